// Addresses of the service become parsed answers, or a Problem with the service's own sentence.

import { parseNpy } from './npy.js';

export class Problem extends Error {
  constructor({ detail, title, status }, response) {
    super(detail ?? `${response.status} ${response.statusText}`);
    Object.assign(this, { title, status: status ?? response.status });
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
  const response = await fetch(url, options);
  if (response.ok) return response;
  throw new Problem(await response.json().catch(() => ({})), response);
}
