// Maps values to colours with the service's three palettes, those of service/drawing/palettes.py. Viridis is
// interpolated from 16 anchors here, so a shade may differ slightly.

const VIRIDIS = '440154 481a6c 472f7d 414487 39568c 31688e 2a788e 23888e 1f988b 22a884 35b779 54c568 7ad151 a5db36 d2e21b fde725';
const BLUE_RED = '053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f';
const BROWN_TEAL = '543005 8c510a bf812d dfc27d f6e8c3 f5f5f5 c7eae5 80cdc1 35978f 01665e 003c30';

const COLOURS = 241; // as in the service; odd, so that zero has a colour of its own
const LAST = COLOURS - 1;
const MIDDLE = LAST / 2;

const lookups = new Map();

function lookup(anchors) {
  if (!lookups.has(anchors)) lookups.set(anchors, interpolate(anchors.split(' ')));
  return lookups.get(anchors);
}

function interpolate(anchors) {
  const colours = new Uint32Array(COLOURS); // 0xAABBGGRR, as ImageData holds it
  for (let i = 0; i < COLOURS; i++) {
    const position = (i / LAST) * (anchors.length - 1);
    const from = Math.min(Math.floor(position), anchors.length - 2);
    let colour = 255 << 24;
    for (let channel = 0; channel < 3; channel++) {
      const [a, b] = [from, from + 1].map((k) => parseInt(anchors[k].slice(2 * channel, 2 * channel + 2), 16));
      colour |= Math.round(a + (b - a) * (position - from)) << (8 * channel);
    }
    colours[i] = colour;
  }
  return colours;
}

// The scale of a layer's maps: viridis from 0 if no value is negative, else blue to red around 0.
export function activationScale(low, high) {
  if (low >= 0) return { table: lookup(VIRIDIS), low: 0, high, zero: 0 };
  return divergingScale(Math.max(-low, high));
}

// A scale for one map alone, with the palette of its layer's scale.
export function scaleOfOneMap(scale, low, high) {
  const peak = Math.max(-low, high);
  return { ...scale, low: scale.low < 0 ? -peak : 0, high: peak };
}

export function divergingScale(limit) {
  return { table: lookup(BLUE_RED), low: -limit, high: limit, zero: MIDDLE };
}

export function kernelScale(limit) {
  return { table: lookup(BROWN_TEAL), low: -limit, high: limit, zero: MIDDLE };
}

export function colourOf(scale, value) {
  const span = scale.high - scale.low;
  if (!(span > 0)) return scale.table[scale.zero];
  const index = Math.round(((value - scale.low) * LAST) / span);
  return scale.table[index < 0 ? 0 : index > LAST ? LAST : index];
}

export function cssColour(scale, value) {
  const colour = colourOf(scale, value);
  return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
}

// Black or white, whichever has more contrast with the colour of `value` (WCAG relative luminance).
export function textColourOn(scale, value) {
  const colour = colourOf(scale, value);
  const [r, g, b] = [0, 8, 16].map((shift) => linear(((colour >> shift) & 255) / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

const linear = (share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
