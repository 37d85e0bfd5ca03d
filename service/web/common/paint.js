// Paints arrays on canvases, one pixel for each value; CSS enlarges the canvases.

import { colourOf } from './palettes.js';

// Paints map `index` of an array with shape (height, width, maps).
export function paintMap(canvas, { data, shape }, index, scale) {
  const [height, width, count] = shape;
  resize(canvas, width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0, source = index; i < pixels.length; i++, source += count) pixels[i] = colourOf(scale, data[source]);
  context.putImageData(image, 0, 0);
}

export function paintRow(canvas, values, columns, scale) {
  const rows = Math.ceil(values.length / columns);
  resize(canvas, columns, rows);
  const context = canvas.getContext('2d');
  const image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) pixels[i] = colourOf(scale, values[i]);
  context.putImageData(image, 0, 0);
}

// Paints uint8 pixels, grey or RGB.
export function paintPixels(canvas, bytes, [height, width, channels]) {
  resize(canvas, width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[i * channels + Math.min(c, channels - 1)];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export function paintLegend(canvas, scale) {
  const values = Float32Array.from({ length: 128 }, (_, i) => scale.low + ((scale.high - scale.low) * i) / 127);
  paintRow(canvas, values, 128, scale);
}

export function enlarge(canvas, zoom) {
  canvas.style.width = `${canvas.width * zoom}px`;
  canvas.style.height = `${canvas.height * zoom}px`;
}

// The CSS aspect-ratio of a model's input.
export const aspectRatio = ({ input_shape: [height, width] }) => `${width} / ${height}`;

// Setting a canvas's size clears it, so it is set only when it changes.
function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
