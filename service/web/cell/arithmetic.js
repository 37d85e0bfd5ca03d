// The service's account of one cell becomes an equation and the matrices behind it.

import { make, number } from '../common/elements.js';
import { nameOf, statistics } from '../common/layers.js';
import { fixed, matrix } from '../common/matrix.js';
import { enlarge, paintRow } from '../common/paint.js';
import { anchored, forKernels, symmetric } from '../common/palettes.js';
import { say } from '../texts/texts.js';

const DIGITS = 4;
const SHORT = 8; // rows of a window that a card shows in numbers

// `desk` knows the picture's arrays, the channel to begin with, and how to go to another cell.
export function showArithmetic(root, answer, layer, desk) {
  const explain = answer.inputs ? convolution : answer.terms ? pointwise : pooling;
  root.replaceChildren(...explain(answer, layer, desk.state, desk));
}

function convolution(answer, layer, state, desk) {
  const scales = scalesOf(answer, layer, state);
  const order = [...answer.inputs].sort((a, b) => Math.abs(b.subtotal) - Math.abs(a.subtotal));
  const opened = make('div', { className: 'opened' });
  const open = (input) => {
    desk.channel = input.channel;
    opened.replaceChildren(...channel(input, scales, order.length));
  };
  const first = answer.inputs[desk.channel] ?? order[0];
  opened.replaceChildren(...channel(first, scales, order.length));
  const parts = [equation(answer, layer, order.length), opened];
  if (answer.inputs.some(({ is_padding }) => is_padding.flat().some(Boolean))) parts.push(note(say('padding')));
  if (order.length > 1) parts.push(note(say('channelsRest')), channels(order, scales, first, open));
  parts.push(checked(answer));
  return parts;
}

// The account in a few words, for a card: the heaviest channel, the sum, the activation.
export function shortStory(answer, layer, state, title) {
  const head = make('h3', {}, title);
  if (answer.terms) return [head, pointwiseEquation(answer, (name) => name)];
  if (!answer.inputs) return [head, answer.window.length > SHORT ? poolResult(answer) : pooled(answer, layer, state)];
  const scales = scalesOf(answer, layer, state);
  const [first] = [...answer.inputs].sort((a, b) => Math.abs(b.subtotal) - Math.abs(a.subtotal));
  const rest = answer.inputs.length - 1;
  const row = make(
    'div', { className: 'row' },
    matrix(first.window, scales.window, say('window'), { hatched: first.is_padding }), sign('×'),
    matrix(first.kernel, scales.kernel, say('kernel')), sign('='), term(fixed(first.subtotal, DIGITS), say('channel', { index: first.channel })),
  );
  if (rest) row.append(sign(answer.sum - first.subtotal < 0 ? '−' : '+'), term(fixed(Math.abs(answer.sum - first.subtotal), DIGITS), say('others', { count: rest })));
  return [head, row, equation(answer, layer, answer.inputs.length)];
}

function scalesOf({ inputs }, layer, state) {
  const most = (name) => Math.max(...inputs.flatMap((input) => input[name].flat().map(Math.abs)));
  const feeding = state.arrays.get(layer.inputs[0]);
  const lowest = Math.min(0, ...inputs.flatMap(({ window }) => window.flat()));
  const { low, high } = feeding ? statistics(feeding) : { low: lowest, high: Math.max(1, most('window')) };
  return { window: anchored(low, high), kernel: forKernels(most('kernel')), products: symmetric(most('products')) };
}

function equation(answer, layer, count) {
  const total = term(fixed(answer.sum, DIGITS), count > 1 ? say('sumOver', { count }) : say('sumOne'));
  const bias = term(fixed(Math.abs(answer.bias), DIGITS), say('bias'));
  const pre = term(fixed(answer.pre, DIGITS), say('before'));
  const parts = [total, sign(answer.bias < 0 ? '−' : '+'), bias, sign('='), pre];
  if (layer.activation && layer.activation !== 'linear') {
    const name = nameOf(layer.activation);
    parts.push(sign('→'), term(fixed(answer.value, DIGITS), say('after', { activation: name }), 'result'));
  }
  return make('div', { className: 'equation' }, ...parts);
}

function channel(input, scales, count) {
  const title = make('h3', {}, say('channel', { index: input.channel }));
  const digits = 3;
  const row = make(
    'div', { className: 'row' },
    matrix(input.window, scales.window, say('window'), { hatched: input.is_padding, digits }), sign('×'),
    matrix(input.kernel, scales.kernel, say('kernel'), { digits }), sign('='),
    matrix(input.products, scales.products, say('products'), { digits }), sign('→'),
    term(fixed(input.subtotal, DIGITS), say('subtotal')),
  );
  return count > 1 ? [title, row] : [row];
}

function channels(order, scales, first, open) {
  const items = order.map((input) => {
    const pictures = ['window', 'kernel'].map((part) => {
      const canvas = make('canvas', { className: 'pixel' });
      paintRow(canvas, input[part].flat(), input[part][0].length, scales[part]);
      enlarge(canvas, Math.max(3, Math.floor(24 / canvas.width)));
      return canvas;
    });
    const words = make('span', {}, make('b', {}, String(input.channel)), fixed(input.subtotal, 3));
    const item = make('button', { type: 'button', className: 'channel' }, ...pictures, words);
    item.setAttribute('aria-label', `${say('channel', { index: input.channel })}, ${say('subtotal')} ${fixed(input.subtotal, DIGITS)}`);
    item.setAttribute('aria-pressed', String(input === first));
    item.addEventListener('click', () => {
      for (const other of items) other.setAttribute('aria-pressed', String(other === item));
      open(input);
    });
    return item;
  });
  return make('div', { className: 'channels' }, ...items);
}

function pooling(answer, layer, state) {
  const parts = [pooled(answer, layer, state)];
  if (answer.method !== 'max') parts.push(checked(answer));
  if (answer.ties?.length) parts.push(note(say('poolTies', { count: answer.ties.length + 1 })));
  return parts;
}

function pooled(answer, layer, state) {
  const feeding = state.arrays.get(layer.inputs[0]);
  const { low, high } = feeding ? statistics(feeding) : { low: 0, high: answer.value };
  const { winner } = answer;
  const largest = answer.method === 'max';
  const outlined = (row, col) => largest && winner && winner.row === row && winner.col === col;
  const window = matrix(answer.window, anchored(low, high), say('window'), { hatched: answer.is_padding, outlined, digits: 3 });
  return make('div', { className: 'row' }, window, sign('→'), poolResult(answer));
}

function poolResult({ value, method }) {
  return term(fixed(value, DIGITS), say(method === 'max' ? 'poolMax' : 'poolAverage'), 'result');
}

// A sum of branches, or an activation alone: the same place of other layers.
function pointwise(answer, layer, state, desk) {
  const { map, row, col } = desk.place;
  const place = (name) => {
    const button = make('button', { type: 'button', className: 'plain' }, say('ofLayer', { layer: name }));
    button.addEventListener('click', () => desk.choose(name, map, { row, col }, { focus: true }));
    return name === 'images' ? name : button;
  };
  return [pointwiseEquation(answer, place), checked(answer)];
}

// `place` makes what stands under each term.
function pointwiseEquation(answer, place) {
  const parts = answer.terms.flatMap(({ layer: name, value }, i) => {
    const one = term(fixed(i ? Math.abs(value) : value, DIGITS), '');
    one.querySelector('small').append(place(name));
    return i ? [sign(value < 0 ? '−' : '+'), one] : [one];
  });
  if (answer.terms.length > 1) parts.push(sign('='), term(fixed(answer.pre, DIGITS), say('sumOfBranches'), answer.activation ? '' : 'result'));
  if (answer.activation) parts.push(sign('→'), term(fixed(answer.value, DIGITS), say('after', { activation: nameOf(answer.activation) }), 'result'));
  return make('div', { className: 'equation' }, ...parts);
}

function checked({ model_value: value, difference, bound }) {
  return note(say('modelSays', { value: number(value, 6), difference: number(difference, 2), bound: number(bound, 2) }));
}

export function term(value, caption, kind = '') {
  return make('span', { className: `term ${kind}` }, make('b', {}, value), make('small', {}, caption));
}

export function sign(text) {
  return make('span', { className: 'sign' }, text);
}

function note(words) {
  return make('p', { className: 'note' }, words);
}
