// All kernels of a layer become one picture: brown below zero, teal above, three channels mixed too.

import { getNpy } from '../common/api.js';
import { find, number } from '../common/elements.js';
import { makeLegend, showLegend } from '../common/legend.js';
import { enlarge } from '../common/paint.js';
import { forKernels, pick } from '../common/palettes.js';
import { say } from '../texts/texts.js';

const wide = () => Math.min(400, innerWidth - 40);
const TILE = [36, 27]; // CSS pixels a kernel is drawn wide, one a map and several; many are drawn smaller,
const LEAST = 2; // but never with less than two pixels a weight.
const FEW = 4;

export class Kernels {
  constructor(choose) {
    Object.assign(this, { choose, kept: new Map(), at: [0, 0], legend: makeLegend() });
    this.canvas = find('kernels');
    find('kernels-legend').replaceChildren(this.legend);
    this.canvas.addEventListener('pointermove', (event) => this.point(this.under(event)));
    this.canvas.addEventListener('click', (event) => this.press(this.under(event)));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.canvas.addEventListener('focus', () => this.stand());
  }

  // The kernels are the same for every picture: fetched once.
  async show(url) {
    this.url = url;
    if (!this.kept.has(url)) this.kept.set(url, await getNpy(url));
    if (this.url === url) this.draw(this.kept.get(url));
  }

  draw({ data, shape }) {
    const [height, width, channels, maps] = shape;
    const mixed = channels === 3 ? 1 : 0;
    Object.assign(this, { data, height, width, channels, maps, mixed, tiles: channels + mixed });
    this.block = this.tiles * (width + 1) - 1;
    const fits = Math.floor(wide() / this.block);
    const wanted = Math.round(TILE[Number(this.tiles > 1)] / width);
    this.gap = this.tiles > 1 ? 2 : 1; // weights between one map's kernels and the next one's
    this.zoom = Math.max(LEAST, this.tiles <= FEW ? wanted : Math.min(fits, wanted));
    this.abreast = Math.max(1, Math.min(maps, Math.floor((wide() / this.zoom + this.gap) / (this.block + this.gap))));
    this.paint();
    this.at = [0, 0];
    find('kernels-box').hidden = true;
    find('kernels-readout').textContent = say('kernelsHint');
    if (document.activeElement === this.canvas) this.stand();
  }

  paint() {
    const most = this.data.reduce((so, value) => Math.max(so, Math.abs(value)), 0);
    const scale = forKernels(most);
    const rows = Math.ceil(this.maps / this.abreast);
    Object.assign(this.canvas, { width: this.abreast * (this.block + this.gap) - this.gap, height: rows * (this.height + this.between) - this.between });
    const context = this.canvas.getContext('2d');
    const image = context.createImageData(this.canvas.width, this.canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    this.each((map, tile, left, top) => {
      for (let r = 0; r < this.height; r++) {
        for (let c = 0; c < this.width; c++) pixels[(top + r) * image.width + left + c] = this.colour(scale, most, map, tile, r, c);
      }
    });
    context.putImageData(image, 0, 0);
    enlarge(this.canvas, this.zoom);
    showLegend(this.legend, scale, 'layer');
  }

  get between() {
    return this.abreast > 1 ? this.gap : 1;
  }

  colour(scale, most, map, tile, row, col) {
    if (tile >= this.mixed) return pick(scale, this.weight(map, tile - this.mixed, row, col));
    const shares = [0, 1, 2].map((channel) => 128 + Math.round((127 * this.weight(map, channel, row, col)) / (most || 1)));
    return ((255 << 24) | (shares[2] << 16) | (shares[1] << 8) | shares[0]) >>> 0;
  }

  weight(map, channel, row, col) {
    return this.data[((row * this.width + col) * this.channels + channel) * this.maps + map];
  }

  each(visit) {
    for (let map = 0; map < this.maps; map++) {
      for (let tile = 0; tile < this.tiles; tile++) visit(map, tile, ...this.corner(map, tile));
    }
  }

  corner(map, tile) {
    const column = map % this.abreast;
    return [column * (this.block + this.gap) + tile * (this.width + 1), Math.floor(map / this.abreast) * (this.height + this.between)];
  }

  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / this.zoom, (event.clientY - box.top) / this.zoom].map(Math.floor);
    const [column, line] = [Math.floor(x / (this.block + this.gap)), Math.floor(y / (this.height + this.between))];
    const map = line * this.abreast + column;
    const tile = Math.floor((x - column * (this.block + this.gap)) / (this.width + 1));
    if (map >= this.maps || tile >= this.tiles || tile < 0) return null;
    const [left, top] = this.corner(map, tile);
    const [row, col] = [y - top, x - left];
    return row < this.height && col < this.width ? { map, tile, row, col } : null;
  }

  point(place) {
    if (!place) return;
    const { map, tile, row, col } = place;
    this.frame(map, tile);
    if (tile < this.mixed) return this.tell(map, tile);
    const channel = tile - this.mixed;
    find('kernels-readout').textContent = say('kernelWeight', { index: map, channel, row, col, value: number(this.weight(map, channel, row, col), 5) });
  }

  press(place) {
    if (place) this.choose(place.map, place.tile < this.mixed ? null : place.tile - this.mixed);
  }

  key(event) {
    const [map, tile] = this.at;
    const flat = map * this.tiles + tile;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.tiles * this.abreast, ArrowDown: this.tiles * this.abreast };
    if (event.key === 'Enter') return this.press({ map, tile });
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = flat + steps[event.key];
    if (next < 0 || next >= this.maps * this.tiles) return;
    this.at = [Math.floor(next / this.tiles), next % this.tiles];
    this.stand();
  }

  stand() {
    if (!this.data) return;
    this.frame(...this.at);
    this.tell(...this.at);
    find('kernels-box').scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  tell(map, tile) {
    if (tile < this.mixed) return (find('kernels-readout').textContent = say('kernelMixed', { index: map }));
    const values = Array.from({ length: this.height * this.width }, (_, i) => this.weight(map, tile - this.mixed, Math.floor(i / this.width), i % this.width));
    const words = { index: map, channel: tile - this.mixed, low: number(Math.min(...values), 3), high: number(Math.max(...values), 3) };
    find('kernels-readout').textContent = say('kernelRange', words);
  }

  frame(map, tile) {
    this.at = [map, tile];
    const [left, top] = this.corner(map, tile);
    const box = find('kernels-box');
    box.hidden = false;
    for (const [side, value] of Object.entries({ left, top, width: this.width, height: this.height })) box.style[side] = `${value * this.zoom}px`;
  }
}
