// Addresses of the service become parsed answers, or a Problem with the service's own sentence.

import { parseNpy } from './npy.js';

const AGAIN = 2; // seconds, where nobody says when to ask again

export class Problem extends Error {
  // `again` says after how many seconds the same request may succeed; undefined: never.
  constructor({ detail, title, status }, again) {
    super(detail ?? `${status} ${title}`);
    Object.assign(this, { title, status, again });
  }
}

// A list repeats its parameter; what is undefined is left out.
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of [values].flat()) if (value !== undefined && value !== null) query.append(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export async function getJson(url, signal) {
  return (await answer(url, { signal, headers: { Accept: 'application/json' } })).json();
}

export async function getNpy(url, signal) {
  return parseNpy(await (await answer(url, { signal })).arrayBuffer());
}

export async function postPicture(url, blob, signal) {
  const headers = { 'Content-Type': blob.type || 'application/octet-stream' };
  return (await answer(url, { method: 'POST', body: blob, headers, signal })).json();
}

export async function postJson(url, document, signal) {
  const headers = { 'Content-Type': 'application/json' };
  return (await answer(url, { method: 'POST', body: JSON.stringify(document), headers, signal })).json();
}

async function answer(url, options) {
  const response = await fetch(url, options).catch((problem) => {
    if (problem.name === 'AbortError') throw problem;
    throw new Problem({ title: 'Unreachable', detail: 'The service does not answer. The page asks again until it does.' }, AGAIN);
  });
  if (response.ok) return response;
  const { status, statusText: title } = response;
  const document = { status, title, ...await response.json().catch(() => ({})) };
  throw new Problem(document, [429, 503].includes(status) ? Number(response.headers.get('Retry-After')) || AGAIN : undefined);
}
