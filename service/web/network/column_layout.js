// Lays out the columns of a network: how large each layer's maps are drawn, and how many side by side,
// so that all layers fit the window.

import { hasMaps } from '../api/manifest.js';

// CSS pixels
const MAP_GAP = 2; // between maps
const COLUMN_GAP = 14;
const MIN_TARGET = 24; // width of a map's button, so that a finger hits it
const MIN_MAP = 20;
const MAX_MAP = 56;
const HEIGHTS = [440, 570]; // of a column: the second if the layers do not fit with the first
export const INPUT_WIDTH = 84;
const OUTPUT_WIDTHS = [82, 114]; // for short labels and for long ones
const VECTOR_WIDTH = 78;
const MIN_WIDTH = 70;
const MIN_FOLDED_WIDTH = 50;

const LONG_LABEL = 5; // characters; a longer label needs the wider output column
const MAX_STEPS = 20_000; // of the search for the best layout

// One {layer, zoom, count, shown, across, tile, width} for each layer. `room` is the width in CSS
// pixels; without it, every layer is drawn at its largest size.
export function layOutColumns(layers, labels, room = Infinity) {
  const rest = room - INPUT_WIDTH - COLUMN_GAP - outputWidth(labels);
  for (const height of HEIGHTS) {
    const choices = layers.map((layer) => (hasMaps(layer) ? sizes(layer, height) : [{ width: VECTOR_WIDTH, tile: MAX_MAP }]));
    const best = largest(choices, rest);
    if (best) return best;
  }
  return layers.map((layer) => (hasMaps(layer) ? fold(layer, rest / layers.length - COLUMN_GAP) : { width: VECTOR_WIDTH }));
}

export function outputWidth(labels) {
  return OUTPUT_WIDTHS[Number(labels.some((label) => label.length > LONG_LABEL))];
}

// The layouts of a layer with every integer zoom that keeps its maps within bounds, the largest first.
function sizes(layer, height) {
  const mapWidth = sizeOf(layer)[1];
  const layouts = [];
  for (let zoom = Math.max(1, Math.floor(MAX_MAP / mapWidth)); zoom >= 1; zoom--) {
    layouts.push(arrange(layer, zoom, height));
    if ((zoom - 1) * mapWidth < MIN_MAP) break;
  }
  return layouts;
}

// The combination of one size for each layer that fits `room` and has the largest maps (the largest sum
// of the logarithms of their widths); undefined if none fits.
function largest(choices, room) {
  let best = null;
  let steps = 0;
  // The smallest width that the layers from `i` on need.
  const needed = choices.map((_, i) => choices.slice(i).reduce((sum, sizes) => sum + Math.min(...sizes.map(({ width }) => width)) + COLUMN_GAP, 0));
  const search = (i, used, score, chosen) => {
    if (used + (needed[i] ?? 0) > room || steps++ > MAX_STEPS) return;
    if (i === choices.length) {
      if (!best || score > best.score) best = { score, chosen };
      return;
    }
    for (const size of choices[i]) search(i + 1, used + size.width + COLUMN_GAP, score + Math.log(size.tile), [...chosen, size]);
  };
  search(0, 0, 0, []);
  return best?.chosen;
}

function sizeOf(layer) {
  return layer.output_shape.length === 3 ? layer.output_shape : [1, 1];
}

function arrange(layer, zoom, height) {
  const count = layer.output_shape.at(-1);
  const [tileHeight, tile] = sizeOf(layer).map((side) => Math.max(MIN_TARGET, side * zoom));
  const down = Math.max(1, Math.floor((height + MAP_GAP) / (tileHeight + MAP_GAP)));
  const across = Math.ceil(count / down);
  return { layer, zoom, count, shown: count, across, tile, width: Math.max(MIN_WIDTH, across * (tile + MAP_GAP)) };
}

// If not all maps fit: the first maps of a layer, within `share` pixels, and a button for the rest.
function fold(layer, share) {
  const small = sizes(layer, HEIGHTS[0]).at(-1);
  const down = Math.max(1, Math.floor((HEIGHTS[0] + MAP_GAP) / (Math.max(MIN_TARGET, sizeOf(layer)[0] * small.zoom) + MAP_GAP)));
  const across = Math.max(1, Math.min(small.across, Math.floor(share / (small.tile + MAP_GAP))));
  return { ...small, across, shown: Math.min(small.count, across * down), folded: true, width: Math.max(MIN_FOLDED_WIDTH, across * (small.tile + MAP_GAP)) };
}

export function unfolded({ layer }) {
  return sizes(layer, HEIGHTS[1]).at(-1);
}
