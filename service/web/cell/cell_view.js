// A chosen cell is shown between the part of the input it sees and the map it is in.

import { address, getJson } from '../common/api.js';
import { showArithmetic } from './arithmetic.js';
import { find } from '../common/elements.js';
import { mapsOf, statistics } from '../common/layers.js';
import { cellAt } from '../network/network.js';
import { enlarge, paintMap, paintPixels } from '../common/paint.js';
import { anchored, reaching } from '../common/palettes.js';
import { showSame } from '../common/use_this.js';
import { explain, say } from '../texts/texts.js';

// Two canvases side by side, on a phone as well.
const wide = () => Math.min(264, (innerWidth - 48) / 2);

export class Desk {
  constructor(state, moved, choose) {
    Object.assign(this, { state, moved, choose, place: {}, held: false, control: null, timer: null });
    const map = find('map');
    map.addEventListener('pointermove', (event) => !this.held && event.pointerType === 'mouse' && this.move(cellAt(map, event)));
    map.addEventListener('click', (event) => this.hold(cellAt(map, event)));
    map.addEventListener('keydown', (event) => this.key(event));
    find('slider').addEventListener('input', (event) => this.slide(Number(event.target.value)));
    find('play').addEventListener('click', () => this.play(this.timer === null));
  }

  // The cell to begin with where nobody pointed at one.
  strongest(name, map) {
    const { data, shape } = this.state.arrays.get(name);
    let best = 0;
    for (let at = 0; at < shape[0] * shape[1]; at++) {
      if (data[at * shape[2] + map] > data[best * shape[2] + map]) best = at;
    }
    return { row: Math.floor(best / shape[1]), col: best % shape[1] };
  }

  // `channel` is the input channel whose numbers to show; without it, the heaviest.
  open(place, options, { focus = false, channel = null, scroll = true }) {
    Object.assign(this, { place, channel });
    this.held = true;
    find('cell').hidden = false;
    this.refresh(options);
    if (focus) find('map').focus({ preventScroll: !scroll });
    if (!scroll) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    find('cell').scrollIntoView({ block: 'nearest', behavior: still ? 'auto' : 'smooth' });
  }

  close() {
    this.play(false);
    this.place = {};
    find('cell').hidden = true;
  }

  // After a new picture, stage or language: the same cell with new numbers.
  refresh(options = this.options) {
    this.options = options;
    const { layer, map } = this.place;
    const array = this.state.arrays.get(layer);
    if (!array) return;
    const [all, own] = [statistics(array), statistics(array, map)];
    const shared = anchored(all.low, all.high);
    paintMap(find('map'), array, map, options.scale === 'map' ? reaching(shared, own.low, own.high) : shared);
    this.zoom = Math.min(72, Math.max(1, Math.floor(wide() / Math.max(...array.shape.slice(0, 2)))));
    enlarge(find('map'), this.zoom);
    find('map').setAttribute('aria-label', say('mapHelp', { layer, index: map }));
    find('slider').max = array.shape[0] * array.shape[1] - 1;
    paintPixels(find('field'), this.state.pixels, this.state.model.input_shape);
    this.fieldZoom = Math.max(1, Math.floor(wide() / find('field').width));
    enlarge(find('field'), this.fieldZoom);
    this.play(this.timer !== null);
    this.look();
  }

  move({ row, col }) {
    if (row === this.place.row && col === this.place.col) return;
    Object.assign(this.place, { row, col });
    this.look();
  }

  hold(cell) {
    this.held = !this.held || cell.row !== this.place.row || cell.col !== this.place.col;
    this.move(cell);
  }

  key(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key === 'Escape') document.querySelector('button.map[aria-pressed="true"]')?.focus();
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [down, right] = steps[event.key];
    const [height, width] = this.state.arrays.get(this.place.layer).shape;
    const clamp = (value, most) => Math.min(Math.max(value, 0), most - 1);
    this.move({ row: clamp(this.place.row + down, height), col: clamp(this.place.col + right, width) });
  }

  slide(at) {
    const width = this.state.arrays.get(this.place.layer).shape[1];
    this.held = true;
    this.move({ row: Math.floor(at / width), col: at % width });
  }

  play(on) {
    clearInterval(this.timer);
    const pause = matchMedia('(prefers-reduced-motion: reduce)').matches ? 1500 : 320;
    this.timer = on ? setInterval(() => this.next(), pause) : null;
    find('play').textContent = say(on ? 'pause' : 'play');
  }

  next() {
    const slider = find('slider');
    this.slide((Number(slider.value) + 1) % (Number(slider.max) + 1));
  }

  // Fetch the arithmetic of the cell; an answer for a cell that was left is dropped.
  async look() {
    const { layer: name, map, row, col } = this.place;
    const { model, token } = this.state;
    const layer = model.layers.find((one) => one.name === name);
    const width = this.state.arrays.get(name).shape[1];
    frame(find('map-box'), { top: row, left: col, height: 1, width: 1 }, this.zoom);
    find('map-caption').textContent = say('mapCaption', { layer: name, index: map, row, col });
    find('slider').value = row * width + col;
    this.moved();
    const path = `/layers/${name}/${mapsOf(layer)}/${map}/cells/${row}/${col}`;
    const url = address(path, { model: model.name, image: token });
    this.control?.abort();
    this.control = new AbortController();
    try {
      const answer = await getJson(url, this.control.signal);
      this.outline(answer.receptive_field);
      showArithmetic(find('arithmetic'), answer, layer, this);
      showSame(find('same-cell'), `curl '${location.origin}${url}'`, this.downloads(layer, url), `${name}-${map}`);
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      find('arithmetic').replaceChildren(...explain(problem));
      find('same-cell').replaceChildren();
      this.outline({ top: 0, left: 0, bottom: 0, right: 0 });
      find('field-caption').textContent = '';
    }
  }

  // The cell's numbers, and the map that it is in.
  downloads(layer, cell) {
    const { model, token } = this.state;
    const url = `/layers/${layer.name}/${mapsOf(layer)}/${this.place.map}`;
    const stage = this.options.stage === 'pre' && layer.activation ? 'pre' : undefined;
    const map = ['png', 'npy'].map((format) => [format, address(url, { model: model.name, image: token, stage, format })]);
    return [['json', cell], ...map];
  }

  outline(field) {
    const { top, left, bottom, right } = field;
    const box = { top, left, height: bottom - top, width: right - left };
    frame(find('field-box'), box, this.fieldZoom);
    find('field-caption').textContent = say('fieldCaption', box);
  }
}

function frame(element, { top, left, height, width }, zoom) {
  for (const [side, value] of Object.entries({ top, left, height, width })) element.style[side] = `${value * zoom}px`;
}
