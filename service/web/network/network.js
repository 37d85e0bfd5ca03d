// The layers of a model become columns of buttons, and the arrays of a picture their pixels.

import { inputColumn, mapColumn, outputColumn, vectorColumn } from './columns.js';
import { number, percent } from '../common/elements.js';
import { columnsOf, hasMaps, isDead, shownLabels, statistics } from '../common/layers.js';
import { showLegend } from '../common/legend.js';
import { enlarge, paintMap, paintPixels, paintRow } from '../common/paint.js';
import { anchored, reaching } from '../common/palettes.js';
import { plan, unfolded } from './widths.js';
import { Flow } from './flow.js';
import { labelled, say } from '../texts/texts.js';

export class Network {
  constructor(root, { choose, point, reveal, open }) {
    Object.assign(this, { root, choose, point, reveal, open, columns: [], order: new Map(), chosen: null, muted: new Set() });
    this.flow = new Flow(this);
    this.visible = new Set();
    root.addEventListener('click', (event) => this.press(event));
    root.addEventListener('pointermove', (event) => this.hover(event));
    root.addEventListener('pointerleave', () => this.point(null));
    root.addEventListener('focusin', (event) => this.enter(event));
    root.addEventListener('focusout', () => this.point(null));
    root.addEventListener('keydown', (event) => this.key(event));
  }

  build(model) {
    this.model = model;
    this.order.clear();
    const layers = columnsOf(model);
    // A phone scrolls sideways; a window that can hold all layers shows them at once.
    const plans = plan(layers, model.labels, innerWidth > 900 ? this.root.clientWidth : Infinity);
    this.input = inputColumn(model);
    this.output = outputColumn(model);
    this.columns = layers.map((layer, i) => (hasMaps(layer) ? mapColumn(model, plans[i]) : vectorColumn(model, layer, plans[i])));
    this.root.replaceChildren(this.input.element, ...this.columns.map((one) => one.element), this.output.element);
    this.root.classList.toggle('deep', plans.some(({ folded }) => folded));
    this.buttons()[0]?.setAttribute('tabindex', '0');
    this.flow.build();
    this.watch();
  }

  // A layer of which only some maps are drawn gets room for all of them.
  unfold(name) {
    const at = this.columns.findIndex(({ layer }) => layer.name === name);
    const old = this.columns[at];
    const column = mapColumn(this.model, unfolded(old.plan));
    old.element.replaceWith(column.element);
    this.columns[at] = column;
    this.flow.build();
    this.watch();
    if (this.arrays) this.show(this.arrays, this.options);
    column.tiles[0].focus();
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
    const { canvas } = this.input;
    paintPixels(canvas, pixels, this.model.input_shape);
    enlarge(canvas, Math.max(1, Math.floor(84 / canvas.width)));
  }

  showOutput(prediction) {
    shownLabels(this.model.labels, prediction).forEach((label, i) => {
      const item = this.output.list.children[i];
      const share = prediction.probabilities[label];
      item.firstChild.style.opacity = Math.max(0.06, Math.sqrt(share));
      item.classList.toggle('best', label === prediction.label);
      item.lastChild.textContent = labelled(label);
      item.title = percent(share);
    });
  }

  // `arrays` holds one {data, shape} a layer; `options` are {scale, sort}.
  show(arrays, options) {
    Object.assign(this, { arrays, options });
    for (const one of this.columns) {
      const array = arrays.get(one.layer.name);
      if (array) (one.tiles ? this.showMaps : this.showVector).call(this, one, array, options);
    }
    clearTimeout(this.naming);
    this.naming = setTimeout(() => this.name(), 120); // Words can wait until the drawing pauses.
  }

  showMaps({ layer, tiles, legend, plan: { zoom, count } }, array, { scale, sort }) {
    const shared = anchored(...rangeOf(array));
    const each = Array.from({ length: count }, (_, i) => statistics(array, i));
    const order = each.map((_, i) => i);
    if (sort === 'energy') order.sort((a, b) => each[b].energy - each[a].energy);
    this.order.set(layer.name, { order, each });
    tiles.forEach((tile, position) => {
      const index = order[position];
      tile.dataset.index = index;
      const { low, high } = each[index];
      const silent = low === 0 && high === 0;
      tile.classList.toggle('silent', silent);
      tile.classList.toggle('dead', silent && isDead(this.model, layer, index));
      const canvas = tile.firstChild;
      paintMap(canvas, array, index, scale === 'map' ? reaching(shared, low, high) : shared);
      if (canvas.dataset.zoom !== String(zoom)) enlarge(canvas, zoom);
      canvas.dataset.zoom = zoom;
    });
    showLegend(legend, shared, scale);
    this.mark();
  }

  showVector({ layer, canvas, legend, plan: { width } }, { data }) {
    const { low, high } = statistics({ data, shape: [1, 1, data.length] });
    const scale = anchored(low, high);
    const columns = data.length > 512 ? 16 : 8;
    paintRow(canvas, data, columns, scale);
    enlarge(canvas, Math.max(1, Math.min(16, Math.floor(430 / canvas.height), Math.floor(width / columns))));
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
        const silent = low === 0 && high === 0;
        const key = silent ? (isDead(this.model, layer, index) ? 'mapDead' : 'mapSilent') : 'mapLabel';
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
      tile.classList.toggle('muted', this.muted.has(`${tile.dataset.layer}:${tile.dataset.index}`));
    }
  }

  buttons() {
    return [...this.root.querySelectorAll('button.map')];
  }

  press(event) {
    const button = event.target.closest('button');
    if (button?.classList.contains('name')) return this.open(button.value);
    if (button?.classList.contains('more')) return this.unfold(button.value);
    const tile = event.target.closest('button.map');
    if (!tile) return;
    const cell = event.detail === 0 ? null : cellAt(tile.firstChild, event);
    this.point(null);
    this.choose(tile.dataset.layer, Number(tile.dataset.index), cell, { focus: event.detail === 0 });
  }

  hover(event) {
    if (event.pointerType === 'touch') return; // A finger that scrolls points at nothing.
    const tile = event.target.closest?.('button.map');
    if (tile) this.point(placeOf(tile, cellAt(tile.firstChild, event)), tile);
    else this.point(null);
  }

  enter(event) {
    const tile = event.target.closest('button.map');
    if (!tile) return;
    this.root.querySelector('button.map[tabindex="0"]')?.setAttribute('tabindex', '-1');
    tile.setAttribute('tabindex', '0');
    if (tile.matches(':focus-visible')) this.point(placeOf(tile), tile);
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

const placeOf = ({ dataset: { layer, index } }, cell) => ({ layer, map: Number(index), ...cell });

function rangeOf(array) {
  const { low, high } = statistics(array);
  return [low, high];
}
