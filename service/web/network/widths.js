// Layers and the room there is become widths: how large each map is drawn, how many stand abreast.

import { hasMaps } from '../common/layers.js';

const GAP = 2; // between maps
const BETWEEN = 14; // between columns
const LEAST = 24; // a map is drawn at least this wide, so that a finger hits it,
const DRAWN = 20; // of which the picture itself fills this much,
const MOST = 56; // and at most this.
const HEIGHTS = [440, 570]; // rather wide than high, but rather high than out of the window
const INPUT = 84;
const OUTPUT = [82, 114]; // for short labels and for long ones
const LONG = 5;
const VECTOR = 78;
const NARROWEST = 70;
const TRIES = 20_000;

// `room` is the width in CSS pixels; without one, columns are as wide as they like.
export function plan(layers, labels, room = Infinity) {
  const rest = room - INPUT - BETWEEN - widthOf(labels);
  for (const height of HEIGHTS) {
    const choices = layers.map((layer) => (hasMaps(layer) ? sizes(layer, height) : [{ width: VECTOR, tile: MOST }]));
    const best = largest(choices, rest);
    if (best) return best;
  }
  return layers.map((layer) => (hasMaps(layer) ? strip(layer, rest / layers.length - BETWEEN) : { width: VECTOR }));
}

export function widthOf(labels) {
  return OUTPUT[Number(labels.some((label) => label.length > LONG))];
}

// Every whole zoom at which maps of this layer have a good size, the largest first.
function sizes(layer, height) {
  const wide = sizeOf(layer)[1];
  const zooms = [];
  for (let zoom = Math.max(1, Math.floor(MOST / wide)); zoom >= 1; zoom--) {
    zooms.push(arrange(layer, zoom, height));
    if ((zoom - 1) * wide < DRAWN) break;
  }
  return zooms;
}

// The choice of one size a layer that fits and draws maps largest, in the sum of logarithms.
function largest(choices, room) {
  let best = null;
  let tries = 0;
  const after = choices.map((_, at) => choices.slice(at).reduce((sum, sizes) => sum + Math.min(...sizes.map(({ width }) => width)) + BETWEEN, 0));
  const walk = (at, used, score, chosen) => {
    if (used + (after[at] ?? 0) > room || tries++ > TRIES) return;
    if (at === choices.length) {
      if (!best || score > best.score) best = { score, chosen };
      return;
    }
    for (const one of choices[at]) walk(at + 1, used + one.width + BETWEEN, score + Math.log(one.tile), [...chosen, one]);
  };
  walk(0, 0, 0, []);
  return best?.chosen;
}

function sizeOf(layer) {
  return layer.output_shape.length === 3 ? layer.output_shape : [1, 1];
}

function arrange(layer, zoom, height) {
  const count = layer.output_shape.at(-1);
  const [high, wide] = sizeOf(layer).map((side) => Math.max(LEAST, side * zoom));
  const down = Math.max(1, Math.floor((height + GAP) / (high + GAP)));
  const across = Math.ceil(count / down);
  return { layer, zoom, count, shown: count, across, tile: wide, width: Math.max(NARROWEST, across * (wide + GAP)) };
}

// Where all maps would not fit: the first of each layer, and a button for the rest.
function strip(layer, share) {
  const small = sizes(layer, HEIGHTS[0]).at(-1);
  const down = Math.max(1, Math.floor((HEIGHTS[0] + GAP) / (Math.max(LEAST, sizeOf(layer)[0] * small.zoom) + GAP)));
  const across = Math.max(1, Math.min(small.across, Math.floor(share / (small.tile + GAP))));
  return { ...small, across, shown: Math.min(small.count, across * down), folded: true, width: Math.max(50, across * (small.tile + GAP)) };
}

export function unfolded({ layer }) {
  return sizes(layer, HEIGHTS[1]).at(-1);
}
