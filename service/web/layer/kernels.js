// Draws all kernels of a convolution on one canvas: a block of tiles for each map, a tile for each
// input channel; three channels are shown mixed as colours too.

import { getNpy } from '../api/requests.js';
import { byId } from '../common/elements.js';
import { makeLegend, showLegend } from '../common/legend.js';
import { number } from '../common/numbers.js';
import { enlarge } from '../common/paint.js';
import { kernelScale, colourOf } from '../common/palettes.js';
import { translate } from '../texts/texts.js';

const canvasWidth = () => Math.min(400, innerWidth - 40); // CSS pixels
const TILE = [36, 27]; // preferred CSS pixels of a kernel's width, for one tile in a block and for several
const MIN_ZOOM = 2; // CSS pixels of a weight
const FEW = 4; // tiles: a block of more is drawn smaller, to fit the canvas

export class Kernels {
  // `select(map, channel)` opens a map; `channel` is null for the mixed tile.
  constructor(select) {
    Object.assign(this, { select, cache: new Map(), current: [0, 0], legend: makeLegend() });
    this.canvas = byId('kernels');
    byId('kernels-legend').replaceChildren(this.legend);
    this.canvas.addEventListener('pointermove', (event) => this.showWeight(this.weightAt(event)));
    this.canvas.addEventListener('click', (event) => this.open(this.weightAt(event)));
    this.canvas.addEventListener('keydown', (event) => this.onKey(event));
    this.canvas.addEventListener('focus', () => this.showCurrent());
  }

  // The kernels are the same for every picture, so they are fetched once.
  async show(url) {
    this.url = url;
    if (!this.cache.has(url)) this.cache.set(url, await getNpy(url));
    if (this.url === url) this.draw(this.cache.get(url));
  }

  draw({ data, shape }) {
    const [height, width, channels, maps] = shape;
    const mixed = channels === 3 ? 1 : 0;
    Object.assign(this, { data, height, width, channels, maps, mixed, tiles: channels + mixed });
    this.block = this.tiles * (width + 1) - 1; // pixels, with one between two tiles
    const fits = Math.floor(canvasWidth() / this.block);
    const preferred = Math.round(TILE[Number(this.tiles > 1)] / width);
    this.gap = this.tiles > 1 ? 2 : 1; // pixels between two blocks
    this.zoom = Math.max(MIN_ZOOM, this.tiles <= FEW ? preferred : Math.min(fits, preferred));
    this.across = Math.max(1, Math.min(maps, Math.floor((canvasWidth() / this.zoom + this.gap) / (this.block + this.gap))));
    this.paint();
    this.current = [0, 0];
    byId('kernels-box').hidden = true;
    byId('kernels-readout').textContent = translate('kernelsHint');
    if (document.activeElement === this.canvas) this.showCurrent();
  }

  paint() {
    const limit = this.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const scale = kernelScale(limit);
    const rows = Math.ceil(this.maps / this.across);
    Object.assign(this.canvas, { width: this.across * (this.block + this.gap) - this.gap, height: rows * (this.height + this.rowGap) - this.rowGap });
    const context = this.canvas.getContext('2d');
    const image = context.createImageData(this.canvas.width, this.canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    this.forEachTile((map, tile, left, top) => {
      for (let r = 0; r < this.height; r++) {
        for (let c = 0; c < this.width; c++) pixels[(top + r) * image.width + left + c] = this.colour(scale, limit, map, tile, r, c);
      }
    });
    context.putImageData(image, 0, 0);
    enlarge(this.canvas, this.zoom);
    showLegend(this.legend, scale, 'layer');
  }

  get rowGap() {
    return this.across > 1 ? this.gap : 1;
  }

  colour(scale, limit, map, tile, row, col) {
    if (tile >= this.mixed) return colourOf(scale, this.weight(map, tile - this.mixed, row, col));
    const rgb = [0, 1, 2].map((channel) => 128 + Math.round((127 * this.weight(map, channel, row, col)) / (limit || 1)));
    return ((255 << 24) | (rgb[2] << 16) | (rgb[1] << 8) | rgb[0]) >>> 0;
  }

  weight(map, channel, row, col) {
    return this.data[((row * this.width + col) * this.channels + channel) * this.maps + map];
  }

  forEachTile(visit) {
    for (let map = 0; map < this.maps; map++) {
      for (let tile = 0; tile < this.tiles; tile++) visit(map, tile, ...this.corner(map, tile));
    }
  }

  // The left and top pixel of a tile.
  corner(map, tile) {
    const column = map % this.across;
    return [column * (this.block + this.gap) + tile * (this.width + 1), Math.floor(map / this.across) * (this.height + this.rowGap)];
  }

  // The weight under the pointer, or null between two tiles.
  weightAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / this.zoom, (event.clientY - box.top) / this.zoom].map(Math.floor);
    const [column, blockRow] = [Math.floor(x / (this.block + this.gap)), Math.floor(y / (this.height + this.rowGap))];
    const map = blockRow * this.across + column;
    const tile = Math.floor((x - column * (this.block + this.gap)) / (this.width + 1));
    if (map >= this.maps || tile >= this.tiles || tile < 0) return null;
    const [left, top] = this.corner(map, tile);
    const [row, col] = [y - top, x - left];
    return row < this.height && col < this.width ? { map, tile, row, col } : null;
  }

  showWeight(position) {
    if (!position) return;
    const { map, tile, row, col } = position;
    this.frame(map, tile);
    if (tile < this.mixed) return this.describe(map, tile);
    const channel = tile - this.mixed;
    byId('kernels-readout').textContent = translate('kernelWeight', { index: map, channel, row, col, value: number(this.weight(map, channel, row, col), 5) });
  }

  open(position) {
    if (position) this.select(position.map, position.tile < this.mixed ? null : position.tile - this.mixed);
  }

  onKey(event) {
    const [map, tile] = this.current;
    const index = map * this.tiles + tile;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.tiles * this.across, ArrowDown: this.tiles * this.across };
    if (event.key === 'Enter') return this.open({ map, tile });
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = index + steps[event.key];
    if (next < 0 || next >= this.maps * this.tiles) return;
    this.current = [Math.floor(next / this.tiles), next % this.tiles];
    this.showCurrent();
  }

  showCurrent() {
    if (!this.data) return;
    this.frame(...this.current);
    this.describe(...this.current);
    byId('kernels-box').scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  describe(map, tile) {
    if (tile < this.mixed) return (byId('kernels-readout').textContent = translate('kernelMixed', { index: map }));
    const values = Array.from({ length: this.height * this.width }, (_, i) => this.weight(map, tile - this.mixed, Math.floor(i / this.width), i % this.width));
    const range = { index: map, channel: tile - this.mixed, low: number(Math.min(...values), 3), high: number(Math.max(...values), 3) };
    byId('kernels-readout').textContent = translate('kernelRange', range);
  }

  frame(map, tile) {
    this.current = [map, tile];
    const [left, top] = this.corner(map, tile);
    const box = byId('kernels-box');
    box.hidden = false;
    for (const [side, value] of Object.entries({ left, top, width: this.width, height: this.height })) box.style[side] = `${value * this.zoom}px`;
  }
}
