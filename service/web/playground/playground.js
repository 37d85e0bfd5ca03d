// Convolves a matrix and a kernel that the visitor edits, step by step.

import { postJson } from '../api/requests.js';
import { byId, make } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { colourCell, matrixTable, sign } from '../common/matrix.js';
import { fixed } from '../common/numbers.js';
import { activationScale, divergingScale, kernelScale } from '../common/palettes.js';
import { translate, translateProblem } from '../texts/texts.js';

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

export class Playground {
  // `onChange()` is called when a result is shown.
  constructor(onChange) {
    this.onChange = onChange;
    this.cell = [0, 0];
    this.load('presetLecture1');
  }

  // The lesson's input for a link; undefined while it is the first example.
  get linkValue() {
    return this.preset === 'presetLecture1' ? undefined : JSON.stringify(this.lesson);
  }

  set linkValue(text) {
    this.lesson = JSON.parse(text);
    this.compute();
  }

  get preset() {
    const isLesson = ([, preset]) => JSON.stringify(preset) === JSON.stringify(this.lesson);
    return Object.entries(PRESETS).find(isLesson)?.[0] ?? 'presetOwn';
  }

  load(name) {
    if (!(name in PRESETS)) return this.draw();
    this.lesson = structuredClone(PRESETS[name]);
    this.cell = [0, 0];
    return this.compute();
  }

  async compute() {
    try {
      this.answer = await postJson('/lessons/convolution', this.lesson);
      byId('playground').hidden = false;
      this.draw();
      this.onChange();
    } catch (error) {
      byId('playground-parts').querySelector('.step-sum')?.replaceChildren(...translateProblem(error));
    }
  }

  draw() {
    if (!this.answer) return;
    const { result, steps } = this.answer;
    this.cell = [Math.min(this.cell[0], result.length - 1), Math.min(this.cell[1], result[0].length - 1)];
    this.step = steps.find(({ row, col }) => row === this.cell[0] && col === this.cell[1]);
    const focused = document.activeElement?.dataset?.control;
    byId('playground-parts').replaceChildren(make(
      'div', { className: 'playground-parts' },
      this.settings(), this.inputTable(), sign('∗'), this.kernelTable(), sign('='), this.resultTable(), this.equation(),
    ));
    byId('playground-parts').querySelector(`[data-control="${focused}"]`)?.focus();
    const body = JSON.stringify(this.lesson);
    const json = () => new Blob([JSON.stringify(this.answer, null, 1)], { type: 'application/json' });
    showExportBar(byId('export-playground'), `curl ${location.origin}/lessons/convolution --json '${body}'`, [['json', json]], 'convolution');
  }

  settings() {
    const names = [...Object.keys(PRESETS), ...(this.preset in PRESETS ? [] : [this.preset])];
    const preset = dropdown(names, this.preset, (name) => this.load(name), (name) => translate(name));
    const size = dropdown(['1', '2', '3', '4', '5'], String(this.lesson.kernel.length), (value) => this.resize(Number(value)), (n) => `${n}×${n}`);
    const stride = dropdown(['1', '2', '3'], String(this.lesson.stride), (value) => this.change({ stride: Number(value) }));
    const padding = dropdown(['VALID', 'SAME'], this.lesson.padding, (value) => this.change({ padding: value }));
    const rows = { preset, kernelSize: size, stride, padding };
    return make('div', { className: 'settings' }, ...Object.entries(rows).flatMap(([key, control]) => {
      control.id = control.dataset.control = `playground-${key}`;
      return [make('label', { htmlFor: control.id }, translate(key)), control];
    }));
  }

  change(settings) {
    Object.assign(this.lesson, settings);
    return this.compute();
  }

  resize(size) {
    const old = this.lesson.kernel;
    return this.change({ kernel: square(size, (r, c) => old[r]?.[c] ?? 0) });
  }

  // The padded input: padding is hatched and cannot be edited.
  inputTable() {
    const { input, kernel, stride } = this.lesson;
    const padded = this.answer.padded_input;
    const [top, left] = [Math.floor((padded.length - input.length) / 2), Math.floor((padded[0].length - input[0].length) / 2)];
    const scale = scaleOf(input);
    const isInput = (r, c) => input[r - top]?.[c - left] !== undefined;
    return matrixTable(padded, translate('matrix'), (cell, value, r, c) => {
      if (isInput(r, c)) this.addField(cell, 'input', r - top, c - left, scale);
      else Object.assign(cell, { className: 'padding', textContent: '0' });
      const [y, x] = [r - this.cell[0] * stride, c - this.cell[1] * stride];
      cell.classList.toggle('on', y >= 0 && x >= 0 && y < kernel.length && x < kernel[0].length);
    });
  }

  kernelTable() {
    const scale = kernelScale(Math.max(...this.lesson.kernel.flat().map(Math.abs)));
    return matrixTable(this.lesson.kernel, translate('kernel'), (cell, value, r, c) => this.addField(cell, 'kernel', r, c, scale));
  }

  // `name` is 'input' or 'kernel'.
  addField(cell, name, r, c, scale) {
    const value = this.lesson[name][r][c];
    const input = make('input', { type: 'number', value: String(value), step: 'any' });
    input.dataset.control = `${name}-${r}-${c}`;
    input.setAttribute('aria-label', `${translate(name === 'input' ? 'matrix' : 'kernel')} ${r}, ${c}`);
    input.addEventListener('change', () => {
      this.lesson[name][r][c] = Number(input.value) || 0;
      this.compute();
    });
    colourCell(cell, scale, value);
    cell.append(input);
  }

  resultTable() {
    const { result } = this.answer;
    const scale = scaleOf(result);
    return matrixTable(result, translate('result'), (cell, value, r, c) => {
      const button = make('button', { type: 'button' }, short(value));
      button.dataset.control = `result-${r}-${c}`;
      button.setAttribute('aria-label', `${translate('result')} ${r}, ${c}: ${short(value)}`);
      for (const name of ['click', 'pointerenter', 'focus']) button.addEventListener(name, () => this.select(r, c));
      colourCell(cell, scale, value);
      cell.append(button);
      cell.classList.toggle('on', r === this.cell[0] && c === this.cell[1]);
    });
  }

  select(row, col) {
    if (row === this.cell[0] && col === this.cell[1]) return;
    this.cell = [row, col];
    this.draw();
  }

  // The chosen step as a sum of products.
  equation() {
    const { window, sum } = this.step;
    const terms = window.flatMap((row, r) => row.map((value, c) => `${short(value)}·${parenthesised(this.lesson.kernel[r][c])}`));
    return make('p', { className: 'step-sum', 'aria-live': 'polite' }, `${terms.join(' + ')} = `, make('b', {}, short(sum)));
  }
}

function dropdown(values, chosen, choose, textOf = String) {
  const options = values.map((value) => make('option', { value, selected: value === chosen }, textOf(value)));
  const element = make('select', {}, ...options);
  element.addEventListener('change', () => choose(element.value));
  return element;
}

function scaleOf(values) {
  const flat = values.flat();
  const [low, high] = [Math.min(...flat), Math.max(...flat)];
  return low < 0 ? divergingScale(Math.max(-low, high)) : activationScale(0, high);
}

const square = (size, fill) => Array.from({ length: size }, (_, r) => Array.from({ length: size }, (_, c) => fill(r, c)));
const short = (value) => fixed(Number(value.toPrecision(6)), Number.isInteger(value) ? 0 : 3);
const parenthesised = (value) => (value < 0 ? `(${short(value)})` : short(value));
