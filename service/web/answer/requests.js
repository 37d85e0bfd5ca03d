// A picture, a model and how it is looked at become the addresses that answer for them.

import { address } from '../common/api.js';
import { hasMaps, mapsOf } from '../common/layers.js';

// What a layer's output is called in the answer to a prediction.
export function staged(layer, { stage }) {
  return stage === 'pre' && layer.activation && hasMaps(layer) ? `${layer.name}/pre` : layer.name;
}

export function predictionUrl(model, layers, options) {
  const names = layers.map((layer) => staged(layer, options)).join();
  return address('/predict', { model: model.name, layers: names || undefined, encoding: 'base64' });
}

export function mapsUrl({ model, token }, layer, options, format) {
  const stage = options.stage === 'pre' && layer.activation ? 'pre' : undefined;
  const scale = format === 'png' && options.scale === 'map' ? 'map' : undefined;
  return address(`/layers/${layer.name}/${mapsOf(layer)}`, { model: model.name, image: token, stage, scale, format });
}
