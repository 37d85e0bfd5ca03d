// A small matrix, a kernel, a stride and a padding become their convolution, step by step.

import { postJson } from '../common/api.js';
import { find, make } from '../common/elements.js';
import { fixed } from '../common/matrix.js';
import { css, inkOn, anchored, forKernels, symmetric } from '../common/palettes.js';
import { showSame } from '../common/use_this.js';
import { explain, say } from '../texts/texts.js';

const PRESETS = {
  presetLecture1: {
    input: [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]],
    kernel: [[1, 0, 1], [0, 1, 0], [1, 0, 1]], stride: 1, padding: 'VALID',
  },
  presetLecture2: { input: [[1, 2, 3], [4, 5, 6], [7, 8, 9]], kernel: [[1, 1], [1, 1]], stride: 1, padding: 'SAME' },
  presetEdge: {
    input: [[0, 0, 0, 5, 5, 5], [0, 0, 0, 5, 5, 5], [0, 0, 0, 5, 5, 5], [0, 0, 0, 5, 5, 5], [0, 0, 0, 5, 5, 5], [0, 0, 0, 5, 5, 5]],
    kernel: [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], stride: 1, padding: 'VALID',
  },
};

export class Bench {
  constructor(placed) {
    this.placed = placed;
    this.cell = [0, 0];
    this.load('presetLecture1');
  }

  // What was changed, for a link.
  get place() {
    return this.preset === 'presetLecture1' ? undefined : JSON.stringify(this.given);
  }

  set place(text) {
    this.given = JSON.parse(text);
    this.look();
  }

  get preset() {
    const same = ([, one]) => JSON.stringify(one) === JSON.stringify(this.given);
    return Object.entries(PRESETS).find(same)?.[0] ?? 'presetOwn';
  }

  load(name) {
    if (!(name in PRESETS)) return this.draw();
    this.given = structuredClone(PRESETS[name]);
    this.cell = [0, 0];
    return this.look();
  }

  async look() {
    try {
      this.answer = await postJson('/lessons/convolution', this.given);
      find('playground').hidden = false;
      this.draw();
      this.placed();
    } catch (problem) {
      const line = find('bench').querySelector('.line');
      if (line) line.replaceChildren(...explain(problem));
    }
  }

  draw() {
    if (!this.answer) return;
    const { result, steps } = this.answer;
    this.cell = [Math.min(this.cell[0], result.length - 1), Math.min(this.cell[1], result[0].length - 1)];
    this.step = steps.find(({ row, col }) => row === this.cell[0] && col === this.cell[1]);
    const focused = document.activeElement?.dataset?.at;
    find('bench').replaceChildren(make(
      'div', { className: 'bench' },
      this.settings(), this.inputTable(), sign('∗'), this.kernelTable(), sign('='), this.resultTable(), this.line(),
    ));
    find('bench').querySelector(`[data-at="${focused}"]`)?.focus();
    const body = JSON.stringify(this.given);
    const json = () => new Blob([JSON.stringify(this.answer, null, 1)], { type: 'application/json' });
    showSame(find('same-play'), `curl ${location.origin}/lessons/convolution --json '${body}'`, [['json', json]], 'convolution');
  }

  settings() {
    const names = [...Object.keys(PRESETS), ...(this.preset in PRESETS ? [] : [this.preset])];
    const preset = select(names, this.preset, (name) => this.load(name), say);
    const size = select(['1', '2', '3', '4', '5'], String(this.given.kernel.length), (value) => this.resize(Number(value)), (n) => `${n}×${n}`);
    const stride = select(['1', '2', '3'], String(this.given.stride), (value) => this.change({ stride: Number(value) }));
    const padding = select(['VALID', 'SAME'], this.given.padding, (value) => this.change({ padding: value }));
    const rows = { preset, kernelSize: size, stride, paddingChoice: padding };
    return make('div', { className: 'settings' }, ...Object.entries(rows).flatMap(([key, control]) => {
      control.id = control.dataset.at = `bench-${key}`;
      return [make('label', { htmlFor: control.id }, say(key)), control];
    }));
  }

  change(settings) {
    Object.assign(this.given, settings);
    return this.look();
  }

  resize(size) {
    const old = this.given.kernel;
    return this.change({ kernel: square(size, (r, c) => old[r]?.[c] ?? 0) });
  }

  // The padded input: what lies outside the matrix is hatched and cannot be edited.
  inputTable() {
    const { input, kernel, stride } = this.given;
    const padded = this.answer.padded_input;
    const [top, left] = [Math.floor((padded.length - input.length) / 2), Math.floor((padded[0].length - input[0].length) / 2)];
    const scale = scaleOf(input);
    const inside = (r, c) => input[r - top]?.[c - left] !== undefined;
    return table(say('matrix'), padded, (cell, value, r, c) => {
      if (inside(r, c)) this.field(cell, 'input', r - top, c - left, scale);
      else Object.assign(cell, { className: 'padding', textContent: '0' });
      const [y, x] = [r - this.cell[0] * stride, c - this.cell[1] * stride];
      cell.classList.toggle('on', y >= 0 && x >= 0 && y < kernel.length && x < kernel[0].length);
    });
  }

  kernelTable() {
    const most = Math.max(...this.given.kernel.flat().map(Math.abs));
    return table(say('kernel'), this.given.kernel, (cell, value, r, c) => this.field(cell, 'kernel', r, c, forKernels(most)));
  }

  field(cell, name, r, c, scale) {
    const value = this.given[name][r][c];
    const input = make('input', { type: 'number', value: String(value), step: 'any' });
    input.dataset.at = `${name}-${r}-${c}`;
    input.setAttribute('aria-label', `${say(name === 'input' ? 'matrix' : 'kernel')} ${r}, ${c}`);
    input.addEventListener('change', () => {
      this.given[name][r][c] = Number(input.value) || 0;
      this.look();
    });
    colour(cell, scale, value);
    cell.append(input);
  }

  resultTable() {
    const { result } = this.answer;
    const scale = scaleOf(result);
    return table(say('result'), result, (cell, value, r, c) => {
      const button = make('button', { type: 'button' }, short(value));
      button.dataset.at = `result-${r}-${c}`;
      button.setAttribute('aria-label', `${say('result')} ${r}, ${c}: ${short(value)}`);
      for (const name of ['click', 'pointerenter', 'focus']) button.addEventListener(name, () => this.show(r, c));
      colour(cell, scale, value);
      cell.append(button);
      cell.classList.toggle('on', r === this.cell[0] && c === this.cell[1]);
    });
  }

  show(row, col) {
    if (row === this.cell[0] && col === this.cell[1]) return;
    this.cell = [row, col];
    this.draw();
  }

  line() {
    const { window, sum } = this.step;
    const terms = window.flatMap((row, r) => row.map((value, c) => `${short(value)}·${wrap(this.given.kernel[r][c])}`));
    return make('p', { className: 'line', 'aria-live': 'polite' }, `${terms.join(' + ')} = `, make('b', {}, short(sum)));
  }
}

function table(name, values, fill) {
  const rows = values.map((row, r) => make('tr', {}, ...row.map((value, c) => {
    const cell = make('td');
    fill(cell, value, r, c);
    return cell;
  })));
  return make('table', { className: 'matrix' }, make('caption', {}, name), make('tbody', {}, ...rows));
}

function select(values, chosen, choose, name = String) {
  const options = values.map((value) => make('option', { value, selected: value === chosen }, name(value)));
  const element = make('select', {}, ...options);
  element.addEventListener('change', () => choose(element.value));
  return element;
}

function colour(cell, scale, value) {
  cell.style.backgroundColor = css(scale, value);
  cell.style.color = inkOn(scale, value);
}

function scaleOf(values) {
  const flat = values.flat();
  const [low, high] = [Math.min(...flat), Math.max(...flat)];
  return low < 0 ? symmetric(Math.max(-low, high)) : anchored(0, high);
}

const square = (size, fill) => Array.from({ length: size }, (_, r) => Array.from({ length: size }, (_, c) => fill(r, c)));
const short = (value) => fixed(Number(value.toPrecision(6)), Number.isInteger(value) ? 0 : 3);
const wrap = (value) => (value < 0 ? `(${short(value)})` : short(value));
const sign = (text) => make('span', { className: 'sign' }, text);
