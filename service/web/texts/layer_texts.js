// Puts a layer of the manifest into words: its shape, its activation and what it computes.

import { translate } from './texts.js';

export function shapeText(layer) {
  return layer.output_shape.join('×');
}

export function activationName(activation) {
  return { relu: 'ReLU', softmax: 'softmax' }[activation] ?? activation;
}

export function layerDescription(model, layer) {
  if (layer.kind === 'activation') return activationName(layer.activation);
  const computation = translate(layer.kind, {
    inputs: layer.inputs.join(' + '),
    kernel: layer.kernel?.join('×'),
    strides: layer.strides?.[0],
    padding: layer.padding,
  });
  const activated = layer.activation && layer.activation !== 'linear';
  const activation = activated ? translate('withActivation', { activation: activationName(layer.activation) }) : '';
  const position = model.layers.indexOf(layer);
  const previous = position > 0 ? model.layers[position - 1].name : 'images';
  const readsAnother = layer.kind !== 'add' && layer.inputs[0] !== previous;
  return computation + activation + (readsAnother ? translate('inputFrom', { layer: layer.inputs[0] }) : '');
}
