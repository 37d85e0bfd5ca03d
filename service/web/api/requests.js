// Sends requests to the service: returns parsed answers, throws a Problem with the service's own sentence.

import { parseNpy } from './npy.js';

const RETRY_AFTER = 2; // seconds, where the service sends no Retry-After

export class Problem extends Error {
  // `retryAfter`: seconds after which the same request may succeed; undefined: it never will.
  constructor({ detail, title, status }, retryAfter) {
    super(detail ?? `${status} ${title}`);
    Object.assign(this, { title, status, retryAfter });
  }
}

export async function getJson(url, signal) {
  return (await send(url, { signal, headers: { Accept: 'application/json' } })).json();
}

export async function getNpy(url, signal) {
  return parseNpy(await (await send(url, { signal })).arrayBuffer());
}

export async function postPicture(url, blob, signal) {
  const headers = { 'Content-Type': blob.type || 'application/octet-stream' };
  return (await send(url, { method: 'POST', body: blob, headers, signal })).json();
}

export async function postJson(url, document, signal) {
  const headers = { 'Content-Type': 'application/json' };
  return (await send(url, { method: 'POST', body: JSON.stringify(document), headers, signal })).json();
}

async function send(url, options) {
  const response = await fetch(url, options).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw new Problem({ title: 'Unreachable', detail: 'The service does not answer. The page asks again until it does.' }, RETRY_AFTER);
  });
  if (response.ok) return response;
  const { status, statusText: title } = response;
  const document = { status, title, ...await response.json().catch(() => ({})) };
  throw new Problem(document, [429, 503].includes(status) ? Number(response.headers.get('Retry-After')) || RETRY_AFTER : undefined);
}
