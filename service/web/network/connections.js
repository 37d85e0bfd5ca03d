// Draws the connections of a map: lines from the maps that it reads, a frame around each window.

import { findLayer, isPooling } from '../api/manifest.js';

const SVG = 'http://www.w3.org/2000/svg';
const MIN_LINE = 0.12; // opacity and width of a line that contributes nothing
const MAX_WIDTH = 3.5; // CSS pixels of the line with the largest contribution
const MIN_FRAME = 0.25; // opacity
const RISE = 17; // CSS pixels of a skip connection above the columns

export class Connections {
  constructor(network) {
    this.network = network;
    this.svg = element('svg', { class: 'connections', 'aria-hidden': 'true' });
    [this.skips, this.lines, this.frames] = ['skips', 'lines', 'frames'].map((name) => element('g', { class: name }));
    this.svg.append(this.skips, this.lines, this.frames);
  }

  // Called when the columns are built: draws the skip connections, which lead around other layers.
  build() {
    const { root } = this.network;
    this.clear();
    this.skips.replaceChildren();
    const names = [...this.heads().keys()];
    const skips = this.network.columns.concat(this.network.output).flatMap(({ layer }) => (
      this.sources(layer).filter((name) => names.indexOf(layer.name) - names.indexOf(name) > 1).map((name) => [name, layer.name])
    ));
    root.classList.toggle('with-skips', skips.length > 0);
    root.append(this.svg);
    this.resize();
    const heads = this.heads();
    for (const [from, to] of skips) {
      const [a, b] = [this.box(heads.get(from)), this.box(heads.get(to))];
      const [x1, x2, y] = [a.left + 4.5, b.left + 4.5, a.top - 5];
      this.skips.append(element('path', { d: `M${x1} ${y} C${x1 + 6} ${y - RISE} ${x1 + 16} ${y - RISE} ${x1 + 24} ${y - RISE} L${x2 - 24} ${y - RISE} C${x2 - 16} ${y - RISE} ${x2 - 6} ${y - RISE} ${x2} ${y}` }));
    }
  }

  // The header of each layer's column.
  heads() {
    const { input, columns, output } = this.network;
    const all = [['images', input], ...[...columns, output].map((column) => [column.layer.name, column])];
    return new Map(all.map(([name, column]) => [name, column.element.firstChild]));
  }

  // The layers that `layer` reads; in place of a dropout, which has no column, those that it reads.
  sources(layer) {
    const withColumn = (name) => {
      const source = findLayer(this.network.model, name);
      return source?.kind === 'dropout' ? source.inputs.flatMap(withColumn) : [name];
    };
    return layer.inputs.flatMap(withColumn);
  }

  clear() {
    this.lines.replaceChildren();
    this.frames.replaceChildren();
    this.sourceLines = [];
  }

  // Draws the lines to the map in `tile`: a convolution reads every map, other layers the same one.
  show(tile) {
    this.clear();
    this.resize();
    const layer = findLayer(this.network.model, tile.dataset.layer);
    const readsAll = layer.kind === 'convolution';
    const to = this.box(tile);
    for (const name of this.sources(layer)) {
      for (const [index, canvas] of this.canvases(name)) {
        if (!readsAll && index !== null && index !== Number(tile.dataset.index)) continue;
        const from = this.box(canvas);
        const [x1, y1, x2, y2] = [from.left + from.width, from.top + from.height / 2, to.left, to.top + to.height / 2];
        const bend = Math.max(24, (x2 - x1) / 2);
        const line = element('path', { d: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` });
        this.sourceLines.push({ name, index, canvas, from, line });
        this.lines.append(line);
      }
    }
  }

  // [map, canvas] of each map of a layer; the input has one canvas for all its channels.
  canvases(name) {
    const { input, columns } = this.network;
    if (name === 'images') return [[null, input.canvas]];
    const tiles = columns.find(({ layer }) => layer.name === name)?.tiles ?? [];
    return tiles.map((tile) => [Number(tile.dataset.index), tile.firstChild]);
  }

  // Shows, from the account of one cell, each line's contribution and the window that it comes from.
  showContributions(account, layer) {
    const contributions = this.sourceLines.map(({ name, index }) => contribution(account, name, index));
    const largest = Math.max(...contributions.map(Math.abs), Number.MIN_VALUE);
    this.frames.replaceChildren();
    this.sourceLines.forEach(({ from, canvas, line }, i) => {
      const share = Math.abs(contributions[i]) / largest;
      line.setAttribute('class', contributions[i] < 0 ? 'less' : 'more');
      line.style.strokeWidth = MIN_LINE + MAX_WIDTH * share;
      line.style.opacity = Math.min(1, MIN_LINE + share);
      this.addFrame(from, canvas, windowOf(account, layer), Math.max(MIN_FRAME, share));
    });
    if (!this.sourceLines.some(({ index }) => index === null)) this.addReceptiveField(account);
  }

  addReceptiveField({ receptive_field: { top, left, bottom, right } }) {
    const { canvas } = this.network.input;
    this.addFrame(this.box(canvas), canvas, { top, left, height: bottom - top, width: right - left }, 1);
  }

  // A frame around part of a canvas that is drawn in `box`.
  addFrame(box, canvas, { top, left, height, width }, opacity) {
    const [x, y] = [box.width / canvas.width, box.height / canvas.height];
    const rectangle = { x: box.left + left * x, y: box.top + top * y, width: width * x, height: height * y };
    this.frames.append(element('rect', { ...rectangle, opacity }));
  }

  // Makes the drawing as large as the scrolled content, which it must not enlarge itself.
  resize() {
    const { root } = this.network;
    for (const side of ['width', 'height']) this.svg.style[side] = 0;
    Object.assign(this.svg.style, { width: `${root.scrollWidth}px`, height: `${root.scrollHeight}px` });
  }

  // The position of an element in the network's scrolled content.
  box(target) {
    const { root } = this.network;
    const [outer, { left, top, width, height }] = [root.getBoundingClientRect(), target.getBoundingClientRect()];
    return { left: left - outer.left + root.scrollLeft, top: top - outer.top + root.scrollTop, width, height };
  }
}

// What map `index` of layer `name` contributes to the cell; for the input, all channels together.
function contribution(account, name, index) {
  if (account.inputs) return account.inputs.filter(({ channel }) => index === null || channel === index).reduce((sum, { subtotal }) => sum + subtotal, 0);
  if (account.terms) return account.terms.find(({ layer }) => layer === name)?.value ?? account.terms[0].value;
  return account.value;
}

function windowOf(account, layer) {
  if (account.terms) return { top: account.row, left: account.col, height: 1, width: 1 };
  const window = isPooling(layer) ? account.window : account.inputs[0].window;
  return { top: account.top, left: account.left, height: window.length, width: window[0].length };
}

function element(tag, attributes) {
  const created = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  return created;
}
