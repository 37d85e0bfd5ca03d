// The layers of a model become columns of buttons, and the arrays of a picture their pixels.

import { make, number, percent } from './elements.js';
import { columnsOf, describe, hasMaps, shapeOf, statistics } from './layers.js';
import { enlarge, paintLegend, paintMap, paintPixels, paintRow } from './paint.js';
import { anchored } from './palettes.js';
import { labelled, say } from './texts.js';

const TILE = 50; // About how wide a map is drawn, in CSS pixels; less where there are many layers.
const DEEP = 4;

export class Network {
  constructor(root, { choose, point, reveal }) {
    Object.assign(this, { root, choose, point, reveal, columns: [], order: new Map(), chosen: null });
    this.visible = new Set();
    root.addEventListener('click', (event) => this.press(event));
    root.addEventListener('pointermove', (event) => this.hover(event));
    root.addEventListener('pointerleave', () => this.point(null));
    root.addEventListener('focusin', (event) => this.enter(event));
    root.addEventListener('keydown', (event) => this.key(event));
  }

  build(model) {
    this.model = model;
    this.order.clear();
    this.input = make('canvas', { className: 'pixel' });
    const outputs = model.labels.map((label) => make('li', {}, make('i'), make('span', {}, label)));
    this.outputs = make('ol', { className: 'outputs' }, ...outputs);
    const layers = columnsOf(model);
    const tile = layers.filter(hasMaps).length > DEEP ? 0.68 * TILE : TILE;
    this.columns = layers.map((layer) => (hasMaps(layer) ? mapColumn(layer, tile) : vectorColumn(layer)));
    const first = column(say('input'), model.input_shape.join('×'), '', this.input);
    const last = model.layers.at(-1);
    const output = column(last.name, shapeOf(last), last.formula, this.outputs);
    output.querySelector('.does').textContent = describe(last);
    this.root.replaceChildren(first, ...this.columns.map((one) => one.element), output);
    this.buttons()[0]?.setAttribute('tabindex', '0');
    this.watch();
  }

  // Which layers are in view: the maps of the others are not fetched.
  watch() {
    this.visible.clear();
    this.observer?.disconnect();
    const names = new Map(this.columns.map((one) => [one.element, one.layer.name]));
    const seen = (entries) => entries.forEach(({ target, isIntersecting }) => {
      const name = names.get(target);
      this.visible[isIntersecting ? 'add' : 'delete'](name);
      if (isIntersecting) this.reveal(name);
    });
    this.observer = new IntersectionObserver(seen, { root: this.root, rootMargin: '0px 300px' });
    for (const element of names.keys()) this.observer.observe(element);
  }

  showInput(pixels) {
    paintPixels(this.input, pixels, this.model.input_shape);
    enlarge(this.input, Math.max(2, Math.round(84 / this.input.width)));
  }

  showOutput(prediction) {
    this.model.labels.forEach((label, i) => {
      const item = this.outputs.children[i];
      const share = prediction.probabilities[label];
      item.firstChild.style.opacity = Math.max(0.06, Math.sqrt(share));
      item.classList.toggle('best', label === prediction.label);
      item.lastChild.textContent = labelled(label);
      item.title = percent(share);
    });
  }

  // `arrays` holds one {data, shape} a layer; `options` are {scale, sort}.
  show(arrays, options) {
    this.arrays = arrays;
    for (const one of this.columns) {
      const array = arrays.get(one.layer.name);
      if (array) (one.tiles ? this.showMaps : this.showVector).call(this, one, array, options);
    }
    clearTimeout(this.naming);
    this.naming = setTimeout(() => this.name(), 120); // Words can wait until the drawing pauses.
  }

  showMaps({ layer, tiles, legend, zoom }, array, { scale, sort }) {
    const all = statistics(array);
    const shared = anchored(all.low, all.high);
    const each = tiles.map((_, i) => statistics(array, i));
    const order = tiles.map((_, i) => i);
    if (sort === 'energy') order.sort((a, b) => each[b].energy - each[a].energy);
    this.order.set(layer.name, { order, each });
    tiles.forEach((tile, position) => {
      const index = order[position];
      tile.dataset.index = index;
      const { low, high } = each[index];
      tile.classList.toggle('silent', low === 0 && high === 0);
      const canvas = tile.firstChild;
      paintMap(canvas, array, index, scale === 'map' ? anchored(low, high) : shared);
      if (canvas.dataset.zoom !== String(zoom)) enlarge(canvas, zoom);
      canvas.dataset.zoom = zoom;
    });
    showLegend(legend, shared, scale);
    this.mark();
  }

  showVector({ layer, canvas, legend }, { data }) {
    const { low, high } = statistics({ data, shape: [1, 1, data.length] });
    const scale = anchored(low, high);
    const columns = data.length > 512 ? 16 : 8;
    paintRow(canvas, data, columns, scale);
    enlarge(canvas, Math.max(1, Math.min(16, Math.floor(400 / canvas.height), Math.floor(80 / columns))));
    showLegend(legend, scale, 'layer');
    canvas.setAttribute('aria-label', say('unitsOf', { count: data.length, layer: layer.name, max: number(high, 3) }));
  }

  name() {
    for (const { layer, tiles } of this.columns) {
      const known = this.order.get(layer.name);
      if (!tiles || !known) continue;
      tiles.forEach((tile, position) => {
        const index = known.order[position];
        const { low, high, zeros } = known.each[index];
        const key = low === 0 && high === 0 ? 'mapSilent' : 'mapLabel';
        const words = { layer: layer.name, index, max: number(high, 3), zeros: `${Math.round(zeros * 100)} %` };
        tile.setAttribute('aria-label', say(key, words));
      });
    }
  }

  mark(chosen = this.chosen) {
    this.chosen = chosen;
    for (const tile of this.buttons()) {
      const is = chosen && tile.dataset.layer === chosen.layer && Number(tile.dataset.index) === chosen.map;
      tile.setAttribute('aria-pressed', String(Boolean(is)));
    }
  }

  buttons() {
    return [...this.root.querySelectorAll('button.map')];
  }

  press(event) {
    const tile = event.target.closest('button.map');
    if (!tile) return;
    const cell = event.detail === 0 ? null : cellAt(tile.firstChild, event);
    this.choose(tile.dataset.layer, Number(tile.dataset.index), cell, event.detail === 0);
  }

  hover(event) {
    const tile = event.target.closest?.('button.map');
    this.point(tile ? { layer: tile.dataset.layer, map: Number(tile.dataset.index), ...cellAt(tile.firstChild, event) } : null);
  }

  enter(event) {
    const tile = event.target.closest('button.map');
    if (!tile) return;
    this.root.querySelector('button.map[tabindex="0"]')?.setAttribute('tabindex', '-1');
    tile.setAttribute('tabindex', '0');
  }

  // Left and right, up and down within a layer; past its edge, the neighbouring layer.
  key(event) {
    const tile = event.target.closest('button.map');
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!tile || !(event.key in steps)) return;
    event.preventDefault();
    neighbour(this.buttons(), tile, steps[event.key])?.focus();
  }
}

function neighbour(tiles, from, [x, y]) {
  const here = from.getBoundingClientRect();
  let [best, least] = [null, Infinity];
  for (const tile of tiles) {
    const there = tile.getBoundingClientRect();
    const [across, down] = [there.left - here.left, there.top - here.top];
    const ahead = x * across + y * down;
    if (ahead < 2 || (y && tile.dataset.layer !== from.dataset.layer)) continue;
    const distance = ahead + 4 * Math.abs(x ? down : across);
    if (distance < least) [best, least] = [tile, distance];
  }
  return best;
}

export function cellAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const clamp = (value, most) => Math.min(Math.max(Math.floor(value), 0), most - 1);
  return {
    row: clamp(((event.clientY - box.top) / box.height) * canvas.height, canvas.height),
    col: clamp(((event.clientX - box.left) / box.width) * canvas.width, canvas.width),
  };
}

function column(name, shape, formula, ...content) {
  const head = make(
    'header', {},
    make('h3', {}, name), make('p', { className: 'shape' }, shape),
    make('p', { className: 'does' }), make('p', { className: 'formula' }, formula ?? ''),
  );
  return make('section', { className: 'column' }, head, ...content);
}

function mapColumn(layer, wide) {
  const count = layer.output_shape.at(-1);
  const size = layer.output_shape.length === 3 ? layer.output_shape[1] : 1;
  const zoom = Math.max(1, Math.round((count > 40 ? Math.min(wide, 0.62 * TILE) : wide) / size));
  const across = Math.max(1, Math.min(count, Math.round(Math.sqrt(count / 2))));
  const tiles = Array.from({ length: count }, (_, index) => {
    const tile = make('button', { type: 'button', className: 'map', tabIndex: -1 }, make('canvas', { className: 'pixel', width: 1, height: 1 }));
    Object.assign(tile.dataset, { layer: layer.name, index });
    return tile;
  });
  const grid = make('div', { className: 'grid', role: 'group', 'aria-label': say('mapsOf', { layer: layer.name }) }, ...tiles);
  grid.style.setProperty('--across', across);
  const legend = makeLegend();
  const element = column(layer.name, shapeOf(layer), layer.formula ?? say('noParameters'), grid, legend);
  element.querySelector('.does').textContent = describe(layer);
  return { layer, tiles, legend, zoom, element };
}

function vectorColumn(layer) {
  const canvas = make('canvas', { className: 'pixel', role: 'img', width: 1, height: 1 });
  const legend = makeLegend();
  const element = column(layer.name, shapeOf(layer), layer.formula ?? say('noParameters'), canvas, legend);
  element.classList.add('vector');
  element.querySelector('.does').textContent = describe(layer);
  return { layer, canvas, legend, element };
}

export function makeLegend() {
  return make('div', { className: 'legend' }, make('span'), make('canvas'), make('span'));
}

export function showLegend(legend, scale, scope) {
  paintLegend(legend.children[1], scale);
  legend.children[0].textContent = number(scale.low, 3);
  legend.children[2].textContent = number(scale.high, 3);
  legend.classList.toggle('off', scope === 'map');
}
