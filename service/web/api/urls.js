// Builds the URLs of the service for a model, a layer, a map or a cell, and the picture's image token.

import { hasMaps, isPooling } from './manifest.js';

// A list repeats its parameter; undefined and null values are left out.
export function withQuery(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of [values].flat()) if (value !== undefined && value !== null) query.append(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

// The name of a layer's output in the answer to a prediction: `conv1/pre` is conv1 before its activation.
export function outputName(layer, { stage }) {
  return stage === 'pre' && layer.activation && hasMaps(layer) ? `${layer.name}/pre` : layer.name;
}

export function predictionUrl(model, layers, options) {
  const names = layers.map((layer) => outputName(layer, options)).join();
  return withQuery('/predict', { model: model.name, layers: names || undefined, encoding: 'base64' });
}

export function mapsUrl({ model, token }, layer, options, format) {
  const scale = format === 'png' && options.scale === 'map' ? 'map' : undefined;
  return withQuery(mapsPath(layer), { model: model.name, image: token, stage: stageOf(layer, options), scale, format });
}

export function mapUrl({ model, token }, layer, map, options, format) {
  return withQuery(`${mapsPath(layer)}/${map}`, { model: model.name, image: token, stage: stageOf(layer, options), format });
}

export function cellUrl({ model, token }, layer, { map, row, col }) {
  return withQuery(`${mapsPath(layer)}/${map}/cells/${row}/${col}`, { model: model.name, image: token });
}

const mapsPath = (layer) => `/layers/${layer.name}/${isPooling(layer) ? 'pooled-maps' : 'feature-maps'}`;
const stageOf = (layer, { stage }) => (stage === 'pre' && layer.activation ? 'pre' : undefined);
