// A manifest's layers become what the page draws of them: maps, vectors, words.

import { say } from './texts.js';

const POOLING = /pooling$/;

export const isPooling = (layer) => POOLING.test(layer.kind);
export const hasMaps = (layer) => layer.output_shape.length === 3 || isPooling(layer);
export const mapsOf = (layer) => (isPooling(layer) ? 'pooled-maps' : 'feature-maps');

export function columnsOf(model) {
  return model.layers.slice(0, -1).filter((layer) => layer.kind !== 'dropout');
}

export function shapeOf(layer) {
  return layer.output_shape.join('×');
}

export function describe(layer) {
  const words = say(layer.kind, {
    kernel: layer.kernel?.join('×'),
    strides: layer.strides?.[0],
    padding: layer.padding,
  });
  if (!layer.activation || layer.activation === 'linear') return words;
  return words + say('withActivation', { activation: nameOf(layer.activation) });
}

export function nameOf(activation) {
  return { relu: 'ReLU', softmax: 'softmax' }[activation] ?? activation;
}

// Lowest and highest value and the share of zeros, of map `index` or of all.
export function statistics({ data, shape }, index = null) {
  const count = index === null ? 1 : shape[2];
  let [low, high, zeros, sum] = [Infinity, -Infinity, 0, 0];
  for (let at = index ?? 0; at < data.length; at += count) {
    const value = data[at];
    if (value < low) low = value;
    if (value > high) high = value;
    if (value === 0) zeros++;
    sum += Math.abs(value);
  }
  const cells = data.length / count;
  return { low, high, zeros: zeros / cells, energy: sum / cells };
}
