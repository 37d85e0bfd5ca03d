// A map of the network becomes lines from the maps that it reads, and boxes where it looks at them.

import { isPooling } from '../common/layers.js';

const SVG = 'http://www.w3.org/2000/svg';
const LEAST = 0.12; // opacity and share of the width of a line that carries nothing
const THICK = 3.5; // CSS pixels of the heaviest line
const RISE = 17; // how far a way around other layers rises above them

export class Flow {
  constructor(network) {
    this.network = network;
    this.svg = element('svg', { class: 'flow', 'aria-hidden': 'true' });
    [this.around, this.lines, this.boxes] = ['around', 'lines', 'boxes'].map((name) => element('g', { class: name }));
    this.svg.append(this.around, this.lines, this.boxes);
  }

  // After the columns are made: the ways that lead around layers, as residual connections do.
  build() {
    const { root } = this.network;
    this.clear();
    this.around.replaceChildren();
    const names = [...this.heads().keys()];
    const jumps = this.network.columns.concat(this.network.output).flatMap(({ layer }) => (
      this.sources(layer).filter((name) => names.indexOf(layer.name) - names.indexOf(name) > 1).map((name) => [name, layer.name])
    ));
    root.classList.toggle('around', jumps.length > 0);
    root.append(this.svg);
    this.stretch();
    const heads = this.heads();
    for (const [from, to] of jumps) {
      const [a, b] = [this.box(heads.get(from)), this.box(heads.get(to))];
      const [x1, x2, y] = [a.left + 4.5, b.left + 4.5, a.top - 5];
      this.around.append(element('path', { d: `M${x1} ${y} C${x1 + 6} ${y - RISE} ${x1 + 16} ${y - RISE} ${x1 + 24} ${y - RISE} L${x2 - 24} ${y - RISE} C${x2 - 16} ${y - RISE} ${x2 - 6} ${y - RISE} ${x2} ${y}` }));
    }
  }

  heads() {
    const { input, columns, output } = this.network;
    const all = [['images', input], ...[...columns, output].map((one) => [one.layer.name, one])];
    return new Map(all.map(([name, one]) => [name, one.element.firstChild]));
  }

  // The layers with a column that feed `layer`: dropout has none.
  sources(layer) {
    const { layers } = this.network.model;
    const shown = (name) => {
      const one = layers.find((other) => other.name === name);
      return one?.kind === 'dropout' ? one.inputs.flatMap(shown) : [name];
    };
    return layer.inputs.flatMap(shown);
  }

  clear() {
    this.lines.replaceChildren();
    this.boxes.replaceChildren();
    this.ends = [];
  }

  // Lines to `tile` from all that it reads: a convolution reads every map, others the same one.
  show(tile) {
    this.clear();
    this.stretch();
    const layer = this.network.model.layers.find(({ name }) => name === tile.dataset.layer);
    const every = layer.kind === 'convolution';
    const to = this.box(tile);
    for (const name of this.sources(layer)) {
      for (const [index, canvas] of this.canvases(name)) {
        if (!every && index !== null && index !== Number(tile.dataset.index)) continue;
        const from = this.box(canvas);
        const [x1, y1, x2, y2] = [from.left + from.width, from.top + from.height / 2, to.left, to.top + to.height / 2];
        const bend = Math.max(24, (x2 - x1) / 2);
        const line = element('path', { d: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` });
        this.ends.push({ name, index, canvas, from, line });
        this.lines.append(line);
      }
    }
  }

  // The canvases of a layer in view, by map; the input has one for all its channels.
  canvases(name) {
    const { input, columns } = this.network;
    if (name === 'images') return [[null, input.canvas]];
    const tiles = columns.find(({ layer }) => layer.name === name)?.tiles ?? [];
    return tiles.map((tile) => [Number(tile.dataset.index), tile.firstChild]);
  }

  // The account of one cell: what each line carries to it, and where its window lies.
  weigh(answer, layer) {
    const carried = this.ends.map(({ name, index }) => carries(answer, name, index));
    const most = Math.max(...carried.map(Math.abs), Number.MIN_VALUE);
    this.boxes.replaceChildren();
    this.ends.forEach(({ from, canvas, line }, i) => {
      const share = Math.abs(carried[i]) / most;
      line.setAttribute('class', carried[i] < 0 ? 'less' : 'more');
      line.style.strokeWidth = LEAST + THICK * share;
      line.style.opacity = Math.min(1, LEAST + share);
      const window = windowOf(answer, layer);
      if (window) this.frame(from, canvas, window, Math.max(0.25, share));
    });
    if (!this.ends.some(({ index }) => index === null)) this.field(answer);
  }

  field({ receptive_field: { top, left, bottom, right } }) {
    const { canvas } = this.network.input;
    this.frame(this.box(canvas), canvas, { top, left, height: bottom - top, width: right - left }, 1);
  }

  frame(box, canvas, { top, left, height, width }, opacity) {
    const [x, y] = [box.width / canvas.width, box.height / canvas.height];
    const place = { x: box.left + left * x, y: box.top + top * y, width: width * x, height: height * y };
    this.boxes.append(element('rect', { ...place, opacity }));
  }

  stretch() {
    const { root } = this.network;
    for (const side of ['width', 'height']) this.svg.style[side] = 0;
    Object.assign(this.svg.style, { width: `${root.scrollWidth}px`, height: `${root.scrollHeight}px` });
  }

  // Where `one` is in the network, however far that is scrolled.
  box(one) {
    const { root } = this.network;
    const [outer, { left, top, width, height }] = [root.getBoundingClientRect(), one.getBoundingClientRect()];
    return { left: left - outer.left + root.scrollLeft, top: top - outer.top + root.scrollTop, width, height };
  }
}

// What the map `index` of layer `name` adds to the cell; for the input, all channels together.
function carries(answer, name, index) {
  if (answer.inputs) return answer.inputs.filter(({ channel }) => index === null || channel === index).reduce((sum, { subtotal }) => sum + subtotal, 0);
  if (answer.terms) return answer.terms.find(({ layer }) => layer === name)?.value ?? answer.terms[0].value;
  return answer.value;
}

function windowOf(answer, layer) {
  if (answer.terms) return { top: answer.row, left: answer.col, height: 1, width: 1 };
  const window = isPooling(layer) ? answer.window : answer.inputs[0].window;
  return { top: answer.top, left: answer.left, height: window.length, width: window[0].length };
}

function element(tag, attributes) {
  const one = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  return one;
}
