// Shows one cell of a map: its receptive field in the input, its place in the map, and its arithmetic.

import { getJson } from '../api/requests.js';
import { findLayer } from '../api/manifest.js';
import { cellUrl, mapUrl } from '../api/urls.js';
import { byId } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { statistics, strongestCell } from '../common/feature_maps.js';
import { prefersReducedMotion, scrollTo } from '../common/motion.js';
import { enlarge, paintMap, paintPixels } from '../common/paint.js';
import { activationScale, scaleOfOneMap } from '../common/palettes.js';
import { cellAt } from '../common/pointer.js';
import { translate, translateProblem } from '../texts/texts.js';
import { showArithmetic } from './arithmetic.js';

const MAX_ZOOM = 72; // CSS pixels of a cell
// Two canvases fit side by side, on a phone as well.
const canvasWidth = () => Math.min(264, (innerWidth - 48) / 2);

export class CellView {
  // `onMove()` is called when another cell is shown; `select(layer, map, cell, how)` shows any cell.
  constructor(state, onMove, select) {
    Object.assign(this, { state, onMove, select, position: {}, fixed: false, control: null, timer: null });
    const map = byId('map');
    map.addEventListener('pointermove', (event) => !this.fixed && event.pointerType === 'mouse' && this.move(cellAt(map, event)));
    map.addEventListener('click', (event) => this.toggleFixed(cellAt(map, event)));
    map.addEventListener('keydown', (event) => this.onKey(event));
    byId('slider').addEventListener('input', (event) => this.moveTo(Number(event.target.value)));
    byId('play').addEventListener('click', () => this.play(this.timer === null));
  }

  // `position` is {layer, map} with a {row, col} or the map's strongest cell; `channel` is the
  // input channel to show first, without it the one with the largest contribution.
  open({ layer, map, row, col }, options, { focus = false, channel = null, scroll = true }) {
    const cell = row === undefined ? strongestCell(this.state.arrays.get(layer), map) : { row, col };
    Object.assign(this, { position: { layer, map, ...cell }, channel, fixed: true });
    byId('cell').hidden = false;
    this.refresh(options);
    if (focus) byId('map').focus({ preventScroll: !scroll });
    if (scroll) scrollTo(byId('cell'), { block: 'nearest' });
  }

  close() {
    this.play(false);
    this.position = {};
    byId('cell').hidden = true;
  }

  // Called after a new picture, stage or language: the same cell with new numbers.
  refresh(options = this.options) {
    this.options = options;
    const { layer, map } = this.position;
    const array = this.state.arrays.get(layer);
    if (!array) return;
    const [all, own] = [statistics(array), statistics(array, map)];
    const shared = activationScale(all.low, all.high);
    paintMap(byId('map'), array, map, options.scale === 'map' ? scaleOfOneMap(shared, own.low, own.high) : shared);
    this.zoom = Math.min(MAX_ZOOM, Math.max(1, Math.floor(canvasWidth() / Math.max(...array.shape.slice(0, 2)))));
    enlarge(byId('map'), this.zoom);
    byId('map').setAttribute('aria-label', translate('mapHelp', { layer, index: map }));
    byId('slider').max = array.shape[0] * array.shape[1] - 1;
    paintPixels(byId('field'), this.state.pixels, this.state.model.input_shape);
    this.fieldZoom = Math.max(1, Math.floor(canvasWidth() / byId('field').width));
    enlarge(byId('field'), this.fieldZoom);
    this.play(this.timer !== null);
    this.load();
  }

  move({ row, col }) {
    if (row === this.position.row && col === this.position.col) return;
    Object.assign(this.position, { row, col });
    this.load();
  }

  // While a cell is fixed, the pointer does not change it.
  toggleFixed(cell) {
    this.fixed = !this.fixed || cell.row !== this.position.row || cell.col !== this.position.col;
    this.move(cell);
  }

  onKey(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key === 'Escape') document.querySelector('button.map[aria-pressed="true"]')?.focus();
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [down, right] = steps[event.key];
    const [height, width] = this.state.arrays.get(this.position.layer).shape;
    const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);
    this.move({ row: clamp(this.position.row + down, height), col: clamp(this.position.col + right, width) });
  }

  // Cells are counted row by row.
  moveTo(index) {
    const width = this.state.arrays.get(this.position.layer).shape[1];
    this.fixed = true;
    this.move({ row: Math.floor(index / width), col: index % width });
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.next(), prefersReducedMotion() ? 1500 : 320) : null;
    byId('play').textContent = translate(on ? 'pause' : 'play');
  }

  next() {
    const slider = byId('slider');
    this.moveTo((Number(slider.value) + 1) % (Number(slider.max) + 1));
  }

  // Requests the cell's arithmetic; a newer cell aborts the request.
  async load() {
    const { state, position } = this;
    const { layer: name, map, row, col } = position;
    const layer = findLayer(state.model, name);
    const width = state.arrays.get(name).shape[1];
    placeFrame(byId('map-box'), { top: row, left: col, height: 1, width: 1 }, this.zoom);
    byId('map-caption').textContent = translate('mapCaption', { layer: name, index: map, row, col });
    byId('slider').value = row * width + col;
    this.onMove();
    const url = cellUrl(state, layer, position);
    this.control?.abort();
    this.control = new AbortController();
    try {
      const account = await getJson(url, this.control.signal);
      this.showReceptiveField(account.receptive_field);
      showArithmetic(byId('arithmetic'), account, layer, this);
      showExportBar(byId('export-cell'), `curl '${location.origin}${url}'`, this.downloads(layer, url), `${name}-${map}`);
    } catch (error) {
      if (error.name === 'AbortError') return;
      byId('arithmetic').replaceChildren(...translateProblem(error));
      byId('export-cell').replaceChildren();
      this.showReceptiveField({ top: 0, left: 0, bottom: 0, right: 0 });
      byId('field-caption').textContent = '';
    }
  }

  // The cell's numbers, and the map that contains it.
  downloads(layer, url) {
    const map = ['png', 'npy'].map((format) => [format, mapUrl(this.state, layer, this.position.map, this.options, format)]);
    return [['json', url], ...map];
  }

  showReceptiveField({ top, left, bottom, right }) {
    const box = { top, left, height: bottom - top, width: right - left };
    placeFrame(byId('field-box'), box, this.fieldZoom);
    byId('field-caption').textContent = translate('fieldCaption', box);
  }
}

function placeFrame(element, { top, left, height, width }, zoom) {
  for (const [side, value] of Object.entries({ top, left, height, width })) element.style[side] = `${value * zoom}px`;
}
