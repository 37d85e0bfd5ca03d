// Shows the network: a column for each layer, with a button for each of its feature maps.

import { hasMaps, isDead, shownLayers } from '../api/manifest.js';
import { shownLabels } from '../common/class_labels.js';
import { statistics } from '../common/feature_maps.js';
import { showLegend } from '../common/legend.js';
import { number, percent } from '../common/numbers.js';
import { enlarge, paintMap, paintPixels, paintRow } from '../common/paint.js';
import { activationScale, scaleOfOneMap } from '../common/palettes.js';
import { cellAt } from '../common/pointer.js';
import { translate, translateLabel } from '../texts/texts.js';
import { INPUT_WIDTH, layOutColumns, unfolded } from './column_layout.js';
import { inputColumn, mapColumn, outputColumn, vectorColumn } from './columns.js';
import { Connections } from './connections.js';

const SCROLLS_BELOW = 900; // CSS pixels: a narrower window scrolls sideways instead of showing all layers
const VECTOR_HEIGHT = 430; // CSS pixels
const LABEL_DELAY = 120; // ms

export class NetworkView {
  // `selectMap(layer, map, cell, how)` opens a map, `point(cell, tile)` gets the cell under the pointer
  // (null: none), `load(layer)` is called when a layer comes into view, `openLayer(layer)` opens a layer.
  constructor(root, { selectMap, point, load, openLayer }) {
    Object.assign(this, { root, selectMap, point, load, openLayer, columns: [], order: new Map(), selected: null, leftOut: new Set() });
    this.connections = new Connections(this);
    this.visible = new Set();
    root.addEventListener('click', (event) => this.onClick(event));
    root.addEventListener('pointermove', (event) => this.onPointerMove(event));
    root.addEventListener('pointerleave', () => this.point(null));
    root.addEventListener('focusin', (event) => this.onFocus(event));
    root.addEventListener('focusout', () => this.point(null));
    root.addEventListener('keydown', (event) => this.onKey(event));
  }

  build(model) {
    this.model = model;
    this.order.clear();
    const layers = shownLayers(model);
    const layouts = layOutColumns(layers, model.labels, innerWidth > SCROLLS_BELOW ? this.root.clientWidth : Infinity);
    this.input = inputColumn(model);
    this.output = outputColumn(model);
    this.columns = layers.map((layer, i) => (hasMaps(layer) ? mapColumn(model, layouts[i]) : vectorColumn(model, layer, layouts[i])));
    this.root.replaceChildren(this.input.element, ...this.columns.map(({ element }) => element), this.output.element);
    this.root.classList.toggle('deep', layouts.some(({ folded }) => folded));
    this.tiles()[0]?.setAttribute('tabindex', '0');
    this.connections.build();
    this.observeColumns();
  }

  // Shows all maps of a layer of which only the first were shown.
  unfold(name) {
    const index = this.columns.findIndex(({ layer }) => layer.name === name);
    const old = this.columns[index];
    const column = mapColumn(this.model, unfolded(old.layout));
    old.element.replaceWith(column.element);
    this.columns[index] = column;
    this.connections.build();
    this.observeColumns();
    if (this.arrays) this.show(this.arrays, this.options);
    column.tiles[0].focus();
  }

  // Keeps track of the layers in view: the maps of the others are not fetched.
  observeColumns() {
    this.visible.clear();
    this.observer?.disconnect();
    const names = new Map(this.columns.map(({ element, layer }) => [element, layer.name]));
    const update = (entries) => entries.forEach(({ target, isIntersecting }) => {
      const name = names.get(target);
      this.visible[isIntersecting ? 'add' : 'delete'](name);
      if (isIntersecting) this.load(name);
    });
    this.observer = new IntersectionObserver(update, { root: this.root, rootMargin: '0px 300px' });
    for (const element of names.keys()) this.observer.observe(element);
  }

  showInput(pixels) {
    const { canvas } = this.input;
    paintPixels(canvas, pixels, this.model.input_shape);
    enlarge(canvas, Math.max(1, Math.floor(INPUT_WIDTH / canvas.width)));
  }

  showOutput(prediction) {
    shownLabels(this.model.labels, prediction).forEach((label, i) => {
      const item = this.output.list.children[i];
      const probability = prediction.probabilities[label];
      item.firstChild.style.opacity = Math.max(0.06, Math.sqrt(probability));
      item.classList.toggle('best', label === prediction.label);
      item.lastChild.textContent = translateLabel(label);
      item.title = percent(probability);
    });
  }

  // `arrays` maps layer names to {data, shape}; `options` are {scale, sort}.
  show(arrays, options) {
    Object.assign(this, { arrays, options });
    for (const column of this.columns) {
      const array = arrays.get(column.layer.name);
      if (array) (column.tiles ? this.showMaps : this.showVector).call(this, column, array, options);
    }
    // The labels for screen readers can wait until the drawing pauses.
    clearTimeout(this.labelTimer);
    this.labelTimer = setTimeout(() => this.labelTiles(), LABEL_DELAY);
  }

  showMaps({ layer, tiles, legend, layout: { zoom, count } }, array, { scale, sort }) {
    const all = statistics(array);
    const shared = activationScale(all.low, all.high);
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
      paintMap(canvas, array, index, scale === 'map' ? scaleOfOneMap(shared, low, high) : shared);
      if (canvas.dataset.zoom !== String(zoom)) enlarge(canvas, zoom);
      canvas.dataset.zoom = zoom;
    });
    showLegend(legend, shared, scale);
    this.updateTiles();
  }

  showVector({ layer, canvas, legend, layout: { width } }, { data }) {
    const { low, high } = statistics({ data, shape: [1, 1, data.length] });
    const scale = activationScale(low, high);
    const columns = data.length > 512 ? 16 : 8;
    paintRow(canvas, data, columns, scale);
    enlarge(canvas, Math.max(1, Math.min(16, Math.floor(VECTOR_HEIGHT / canvas.height), Math.floor(width / columns))));
    showLegend(legend, scale, 'layer');
    canvas.setAttribute('aria-label', translate('unitsOf', { count: data.length, layer: layer.name, max: number(high, 3) }));
  }

  labelTiles() {
    for (const { layer, tiles } of this.columns) {
      const known = this.order.get(layer.name);
      if (!tiles || !known) continue;
      tiles.forEach((tile, position) => {
        const index = known.order[position];
        const { low, high, zeros } = known.each[index];
        const silent = low === 0 && high === 0;
        const key = silent ? (isDead(this.model, layer, index) ? 'mapDead' : 'mapSilent') : 'mapLabel';
        const values = { layer: layer.name, index, max: number(high, 3), zeros: `${Math.round(zeros * 100)} %` };
        tile.setAttribute('aria-label', translate(key, values));
      });
    }
  }

  markSelected(layer, map) {
    this.selected = { layer, map };
    this.updateTiles();
  }

  // `leftOut` is a set of `layer:index`.
  markLeftOut(leftOut) {
    this.leftOut = leftOut;
    this.updateTiles();
  }

  updateTiles() {
    const { selected } = this;
    for (const tile of this.tiles()) {
      const isSelected = tile.dataset.layer === selected?.layer && Number(tile.dataset.index) === selected.map;
      tile.setAttribute('aria-pressed', String(isSelected));
      tile.classList.toggle('left-out', this.leftOut.has(`${tile.dataset.layer}:${tile.dataset.index}`));
    }
  }

  tiles() {
    return [...this.root.querySelectorAll('button.map')];
  }

  onClick(event) {
    const button = event.target.closest('button');
    if (button?.classList.contains('name')) return this.openLayer(button.value);
    if (button?.classList.contains('more')) return this.unfold(button.value);
    const tile = event.target.closest('button.map');
    if (!tile) return;
    const byKeyboard = event.detail === 0;
    const cell = byKeyboard ? null : cellAt(tile.firstChild, event);
    this.point(null);
    this.selectMap(tile.dataset.layer, Number(tile.dataset.index), cell, { focus: byKeyboard });
  }

  onPointerMove(event) {
    if (event.pointerType === 'touch') return; // A finger scrolls.
    const tile = event.target.closest?.('button.map');
    if (tile) this.point(mapOf(tile, cellAt(tile.firstChild, event)), tile);
    else this.point(null);
  }

  // Of all maps only one is reached by Tab: the last that had the focus.
  onFocus(event) {
    const tile = event.target.closest('button.map');
    if (!tile) return;
    this.root.querySelector('button.map[tabindex="0"]')?.setAttribute('tabindex', '-1');
    tile.setAttribute('tabindex', '0');
    if (tile.matches(':focus-visible')) this.point(mapOf(tile), tile);
  }

  // Arrow keys move the focus: up and down within a layer, left and right across layers.
  onKey(event) {
    const tile = event.target.closest('button.map');
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!tile || !(event.key in steps)) return;
    event.preventDefault();
    neighbour(this.tiles(), tile, steps[event.key])?.focus();
  }
}

// The nearest tile in the direction (x, y).
function neighbour(tiles, from, [x, y]) {
  const here = from.getBoundingClientRect();
  let [nearest, shortest] = [null, Infinity];
  for (const tile of tiles) {
    const there = tile.getBoundingClientRect();
    const [across, down] = [there.left - here.left, there.top - here.top];
    const ahead = x * across + y * down;
    if (ahead < 2 || (y && tile.dataset.layer !== from.dataset.layer)) continue;
    const distance = ahead + 4 * Math.abs(x ? down : across);
    if (distance < shortest) [nearest, shortest] = [tile, distance];
  }
  return nearest;
}

const mapOf = ({ dataset: { layer, index } }, cell) => ({ layer, map: Number(index), ...cell });
