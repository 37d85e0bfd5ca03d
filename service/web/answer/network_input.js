// Shows the pixels that enter the network, and the steps that prepared them from the picture.

import { byId, make } from '../common/elements.js';
import { aspectRatio, paintPixels } from '../common/paint.js';
import { translateStep } from '../texts/texts.js';

export function showNetworkInput({ model, prediction, pixels }) {
  const canvas = byId('network-input');
  paintPixels(canvas, pixels, model.input_shape);
  canvas.parentElement.style.aspectRatio = aspectRatio(model);
  byId('steps').replaceChildren(...prediction.prepared.map((sentence) => make('li', {}, translateStep(sentence))));
}

export function clearNetworkInput() {
  const canvas = byId('network-input');
  canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
  byId('steps').replaceChildren();
}
