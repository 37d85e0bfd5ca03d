// A manifest's layers become what the page draws of them: maps, vectors, words.

import { say } from '../texts/texts.js';

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

const MOST = 12;
const FEW = 10;

// All classes of a model with few; of one with many the most probable, the best first.
export function shownLabels(labels, prediction) {
  if (labels.length <= MOST) return labels;
  const share = (label) => prediction?.probabilities[label] ?? 0;
  return [...labels].sort((a, b) => share(b) - share(a)).slice(0, FEW);
}

export const proportions = ({ input_shape: [height, width] }) => `${width} / ${height}`;

// A map that was zero on every test image when the model was exported.
export const isDead = (model, layer, index) => model.statistics[layer.name]?.zeros[index] === 1;

export function describe(model, layer) {
  const place = model.layers.indexOf(layer);
  if (layer.kind === 'activation') return nameOf(layer.activation);
  const words = say(layer.kind, {
    inputs: layer.inputs.join(' + '),
    kernel: layer.kernel?.join('×'),
    strides: layer.strides?.[0],
    padding: layer.padding,
  });
  const last = layer.activation && layer.activation !== 'linear' ? say('withActivation', { activation: nameOf(layer.activation) }) : '';
  const before = place > 0 ? model.layers[place - 1].name : 'images';
  const elsewhere = layer.kind !== 'add' && layer.inputs[0] !== before;
  return words + last + (elsewhere ? say('fedBy', { layer: layer.inputs[0] }) : '');
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
