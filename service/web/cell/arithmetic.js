// Writes the service's account of one cell as an equation, with the matrices it is computed from.
//
// An account has `inputs` (a convolution: one window, kernel and subtotal for each input channel),
// `terms` (a sum of branches, or an activation: one value for each input layer), or only a `window`
// (pooling).

import { make } from '../common/elements.js';
import { statistics } from '../common/feature_maps.js';
import { numberMatrix, sign } from '../common/matrix.js';
import { fixed, number } from '../common/numbers.js';
import { enlarge, paintRow } from '../common/paint.js';
import { activationScale, divergingScale, kernelScale } from '../common/palettes.js';
import { activationName } from '../texts/layer_texts.js';
import { translate } from '../texts/texts.js';

const DIGITS = 4;
const MATRIX_DIGITS = 3;
const SUMMARY_ROWS = 8; // a summary shows no pooling window with more rows
const THUMBNAIL = 24; // CSS pixels of a window or kernel in the list of channels

// The whole account. `view` is the CellView: its state, its input channel, its way to another cell.
export function showArithmetic(root, account, layer, view) {
  const explain = account.inputs ? convolution : account.terms ? pointwise : pooling;
  root.replaceChildren(...explain(account, layer, view));
}

// The account for a card: the channel with the largest contribution, the sum, the activation.
export function summary(account, layer, state, title) {
  const heading = make('h3', {}, title);
  if (account.terms) return [heading, pointwiseEquation(account, (name) => name)];
  if (!account.inputs) return [heading, account.window.length > SUMMARY_ROWS ? pooledValue(account) : poolingRow(account, layer, state)];
  const scales = scalesOf(account, layer, state);
  const [largest] = byContribution(account.inputs);
  const others = account.inputs.length - 1;
  const rest = account.sum - largest.subtotal;
  const row = make(
    'div', { className: 'row' },
    numberMatrix(largest.window, scales.window, translate('window'), { isPadding: largest.is_padding }), sign('×'),
    numberMatrix(largest.kernel, scales.kernel, translate('kernel')), sign('='),
    term(fixed(largest.subtotal, DIGITS), translate('channel', { index: largest.channel })),
  );
  if (others) row.append(sign(rest < 0 ? '−' : '+'), term(fixed(Math.abs(rest), DIGITS), translate('otherChannels', { count: others })));
  return [heading, row, convolutionEquation(account, layer)];
}

function convolution(account, layer, view) {
  const scales = scalesOf(account, layer, view.state);
  const inputs = byContribution(account.inputs);
  const several = inputs.length > 1;
  const first = account.inputs[view.channel] ?? inputs[0];
  const detail = make('div', { className: 'channel-detail' }, ...channelDetail(first, scales, several));
  const select = (input) => {
    view.channel = input.channel;
    detail.replaceChildren(...channelDetail(input, scales, several));
  };
  const parts = [convolutionEquation(account, layer), detail];
  if (inputs.some(({ is_padding }) => is_padding.flat().some(Boolean))) parts.push(note(translate('paddingHint')));
  if (several) parts.push(note(translate('channelsHint')), channelList(inputs, scales, first, select));
  return [...parts, modelNote(account)];
}

const byContribution = (inputs) => [...inputs].sort((a, b) => Math.abs(b.subtotal) - Math.abs(a.subtotal));

function scalesOf({ inputs }, layer, state) {
  const largest = (part) => Math.max(...inputs.flatMap((input) => input[part].flat().map(Math.abs)));
  const source = state.arrays.get(layer.inputs[0]);
  const lowest = Math.min(0, ...inputs.flatMap(({ window }) => window.flat()));
  const { low, high } = source ? statistics(source) : { low: lowest, high: Math.max(1, largest('window')) };
  return { window: activationScale(low, high), kernel: kernelScale(largest('kernel')), products: divergingScale(largest('products')) };
}

// sum + bias = value before the activation → value after it
function convolutionEquation(account, layer) {
  const count = account.inputs.length;
  const sum = term(fixed(account.sum, DIGITS), count > 1 ? translate('sumOver', { count }) : translate('sumOne'));
  const bias = term(fixed(Math.abs(account.bias), DIGITS), translate('bias'));
  const before = term(fixed(account.pre, DIGITS), translate('beforeActivation'));
  const parts = [sum, sign(account.bias < 0 ? '−' : '+'), bias, sign('='), before];
  if (layer.activation && layer.activation !== 'linear') parts.push(sign('→'), activated(account, layer.activation));
  return make('div', { className: 'equation' }, ...parts);
}

function activated({ value }, activation) {
  return term(fixed(value, DIGITS), translate('afterActivation', { activation: activationName(activation) }), 'result');
}

// window × kernel = products → subtotal
function channelDetail(input, scales, titled) {
  const row = make(
    'div', { className: 'row' },
    numberMatrix(input.window, scales.window, translate('window'), { isPadding: input.is_padding, digits: MATRIX_DIGITS }), sign('×'),
    numberMatrix(input.kernel, scales.kernel, translate('kernel'), { digits: MATRIX_DIGITS }), sign('='),
    numberMatrix(input.products, scales.products, translate('products'), { digits: MATRIX_DIGITS }), sign('→'),
    term(fixed(input.subtotal, DIGITS), translate('subtotal')),
  );
  return titled ? [make('h3', {}, translate('channel', { index: input.channel })), row] : [row];
}

function channelList(inputs, scales, first, select) {
  const buttons = inputs.map((input) => {
    const thumbnails = ['window', 'kernel'].map((part) => {
      const canvas = make('canvas', { className: 'pixel' });
      paintRow(canvas, input[part].flat(), input[part][0].length, scales[part]);
      enlarge(canvas, Math.max(3, Math.floor(THUMBNAIL / canvas.width)));
      return canvas;
    });
    const caption = make('span', {}, make('b', {}, String(input.channel)), fixed(input.subtotal, 3));
    const button = make('button', { type: 'button', className: 'channel' }, ...thumbnails, caption);
    button.setAttribute('aria-label', `${translate('channel', { index: input.channel })}, ${translate('subtotal')} ${fixed(input.subtotal, DIGITS)}`);
    button.setAttribute('aria-pressed', String(input === first));
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      select(input);
    });
    return button;
  });
  return make('div', { className: 'channels' }, ...buttons);
}

function pooling(account, layer, { state }) {
  const parts = [poolingRow(account, layer, state)];
  if (account.method !== 'max') parts.push(modelNote(account));
  if (account.ties?.length) parts.push(note(translate('poolTies', { count: account.ties.length + 1 })));
  return parts;
}

function poolingRow(account, layer, state) {
  const source = state.arrays.get(layer.inputs[0]);
  const { low, high } = source ? statistics(source) : { low: 0, high: account.value };
  const winner = account.method === 'max' ? account.winner : null;
  const isWinner = (row, col) => winner && winner.row === row && winner.col === col;
  const options = { isPadding: account.is_padding, isWinner, digits: MATRIX_DIGITS };
  const window = numberMatrix(account.window, activationScale(low, high), translate('window'), options);
  return make('div', { className: 'row' }, window, sign('→'), pooledValue(account));
}

function pooledValue({ value, method }) {
  return term(fixed(value, DIGITS), translate(method === 'max' ? 'poolMax' : 'poolAverage'), 'result');
}

// A sum of branches or an activation alone reads the same cell of its input layers.
function pointwise(account, layer, view) {
  const { map, row, col } = view.position;
  const linkTo = (name) => {
    if (name === 'images') return name;
    const button = make('button', { type: 'button', className: 'plain' }, translate('sameCellOf', { layer: name }));
    button.addEventListener('click', () => view.select(name, map, { row, col }, { focus: true }));
    return button;
  };
  return [pointwiseEquation(account, linkTo), modelNote(account)];
}

// `caption(layer)` returns what stands below each term.
function pointwiseEquation(account, caption) {
  const { terms, activation } = account;
  const parts = terms.flatMap(({ layer, value }, i) => {
    const one = term(fixed(i ? Math.abs(value) : value, DIGITS), caption(layer));
    return i ? [sign(value < 0 ? '−' : '+'), one] : [one];
  });
  if (terms.length > 1) parts.push(sign('='), term(fixed(account.pre, DIGITS), translate('sumOfBranches'), activation ? '' : 'result'));
  if (activation) parts.push(sign('→'), activated(account, activation));
  return make('div', { className: 'equation' }, ...parts);
}

// The value that the model itself computed, beside the one shown.
function modelNote({ model_value: value, difference, bound }) {
  return note(translate('modelValue', { value: number(value, 6), difference: number(difference, 2), bound: number(bound, 2) }));
}

function term(value, caption, kind = '') {
  return make('span', { className: `term ${kind}` }, make('b', {}, value), make('small', {}, caption));
}

function note(text) {
  return make('p', { className: 'note' }, text);
}
