// The page: what is chosen and drawn goes to the service, and its answers to the views.

import { Ablation } from './answer/ablation.js';
import { address, getJson, getNpy, postPicture } from './common/api.js';
import { showBars, showFamiliarity, showSteps } from './answer/answer.js';
import { sampleBlob, showInks, showSamples } from './drawing/samples.js';
import { Bench } from './playground/playground.js';
import { Desk } from './cell/cell_view.js';
import { Drawing } from './drawing/drawing.js';
import { choice, find, make, number } from './common/elements.js';
import { columnsOf, hasMaps, proportions, statistics } from './common/layers.js';
import { Network } from './network/network.js';
import { decodeToken, unpack } from './common/npy.js';
import { paintPixels } from './common/paint.js';
import { Pace } from './common/pacing.js';
import { blobOf } from './common/pixels.js';
import { keepLink, leadsElsewhere, readPlace, writePlace } from './common/permalink.js';
import { showSame } from './common/use_this.js';
import { Sheet } from './layer/layer_view.js';
import { listen } from './drawing/picture_sources.js';
import { Story } from './cell/hover_card.js';
import { explain, language, say, speak, step } from './texts/texts.js';
import { startTheme } from './common/theme.js';
import { Reasons } from './explanation/heatmaps.js';
import { mapsUrl, predictionUrl, staged } from './answer/requests.js';

const state = { model: null, token: null, prediction: null, pixels: null, arrays: new Map() };
const SIZES = { digit: 140, photo: 280 }; // pixels of a drawing on its way to the service
const options = { stage: 'post', scale: 'layer', sort: 'index' };
let [models, samples, source] = [[], {}, null];

const pace = new Pace(25, look, complain);
const drawing = new Drawing(find('draw'), find('pen'), () => {
  source = null;
  pace.ask();
});
const network = new Network(find('columns'), { choose, point, reveal, open: openSheet });
const story = new Story(state, network.flow);
const desk = new Desk(state, placed, choose);
const reasons = new Reasons(state, placed, complain);
const ablation = new Ablation(state, leftOut, complain);
const sheet = new Sheet(state, { ablation, choose: chooseFromSheet, complain });
const bench = new Bench(placed);

// One request brings the answer and the maps of every layer that is in view or on the desk.
async function look(signal, asked) {
  if (source === null && drawing.empty) return forget();
  const blob = source ?? (await drawing.blob(SIZES[state.model.preparation]));
  const { model } = state;
  const layers = columnsOf(model).filter((layer) => !hasMaps(layer) || network.visible.has(layer.name) || layer.name === desk.place.layer);
  const prediction = (await postPicture(predictionUrl(model, layers, options), blob, signal)).predictions[0];
  const pixels = await decodeToken(prediction.image);
  if (signal.aborted || model !== state.model) return;
  const arrays = new Map(layers.map((layer) => [layer.name, unpack(prediction.maps[staged(layer, options)])]));
  delete prediction.maps;
  Object.assign(state, { token: prediction.image, prediction, pixels, arrays });
  show();
  // When the frame with the new maps is painted.
  requestAnimationFrame(() => (document.documentElement.dataset.took = Math.round(performance.now() - asked)));
}

async function reveal(name) {
  const { model, token, arrays } = state;
  const layer = model.layers.find((one) => one.name === name);
  if (token === null || arrays.has(name) || !hasMaps(layer)) return;
  arrays.set(name, await getNpy(mapsUrl(state, layer, options, 'npy')));
  if (arrays === state.arrays) network.show(arrays, options);
}

function show() {
  const { model, prediction, pixels } = state;
  complain(null);
  showBars(model.labels, prediction);
  showFamiliarity(prediction);
  showSteps(prediction);
  paintPixels(find('seen'), pixels, model.input_shape);
  find('seen').parentElement.style.aspectRatio = proportions(model);
  network.showInput(pixels);
  network.showOutput(prediction);
  network.show(state.arrays, options);
  story.refresh();
  if (desk.place.layer === undefined) takeApart();
  else desk.refresh(options);
  for (const name of network.visible) reveal(name).catch(complain); // Those that came into view meanwhile.
  placed();
  clearTimeout(state.explaining);
  state.explaining = setTimeout(rest, 200);
}

// The map with the largest number of the first layer that has maps, where nobody chose one.
function takeApart() {
  const layer = state.model.layers.find((one) => one.output_shape.length === 3 && state.arrays.has(one.name));
  if (!layer) return;
  const array = state.arrays.get(layer.name);
  const peaks = Array.from({ length: array.shape[2] }, (_, i) => statistics(array, i).high);
  choose(layer.name, peaks.indexOf(Math.max(...peaks)), null, { scroll: false });
}

// What can wait until the drawing pauses.
function rest() {
  if (state.prediction === null) return; // Cleared, or another model, meanwhile.
  for (const view of [reasons, sheet, ablation]) view.refresh();
  const { model, prediction } = state;
  const json = () => new Blob([JSON.stringify(prediction, null, 1)], { type: 'application/json' });
  const file = () => new Blob([blobOf(state.pixels, model.input_shape)]);
  const line = `curl -F file=@picture.png '${location.origin}${address('/predict', { model: model.name })}'`;
  const seen = model.input_shape[2] === 1 ? 'pgm' : 'ppm';
  showSame(find('same-predict'), line, [['json', json], [`input.${seen}`, file]], 'prediction');
  sayLayer(sheet.name);
}

function forget() {
  clearTimeout(state.explaining);
  Object.assign(state, { token: null, prediction: null, pixels: null });
  complain(null);
  showBars(state.model.labels, null);
  showFamiliarity(null);
  showSteps(null);
  find('seen').getContext('2d').clearRect(0, 0, find('seen').width, find('seen').height);
}

function complain(problem) {
  if (problem?.name === 'AbortError') return;
  find('problem').hidden = problem === null;
  find('problem').replaceChildren(...(problem === null ? [] : explain(problem)));
  clearTimeout(state.waiting);
  if (problem?.again) state.waiting = setTimeout(() => pace.ask(), 1000 * problem.again);
}

function placed() {
  if (state.model === null) return;
  const zero = [...ablation.zero].join() || undefined;
  const usual = (name, value) => (options[name] === value ? undefined : options[name]);
  const view = { stage: usual('stage', 'post'), scale: usual('scale', 'layer'), sort: usual('sort', 'index') };
  writePlace({ model: state.model.name, image: state.token, lang: language(), ...desk.place, ...view, sheet: sheet.name, zero, ...reasons.place, bench: bench.place });
}

function choose(layer, map, cell, how = {}) {
  network.mark({ layer, map });
  desk.open({ layer, map, ...(cell ?? desk.strongest(layer, map)) }, options, how);
  if (how.scroll !== false && layer !== sheet.name && sheet.has(layer)) openSheet(layer, false);
}

async function chooseFromSheet(layer, map, channel) {
  await reveal(layer);
  choose(layer, map, null, { focus: true, channel });
}

function leftOut(zero) {
  network.muted = zero;
  network.mark();
  sheet.mark();
  placed();
}

function openSheet(name, scroll = true) {
  sheet.open(name);
  sayLayer(name);
  if (scroll) find('sheet').scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  placed();
}

function sayLayer(name) {
  const layer = state.model.layers.find((one) => one.name === name);
  if (!layer || state.token === null) return;
  const formats = ['png', 'npy', 'json'].map((format) => [format, mapsUrl(state, layer, options, format)]);
  showSame(find('same-layer'), `curl '${location.origin}${formats[0][1]}' -o ${name}.png`, formats, name);
}

// What is pointed at; a map that the keyboard reached stands for its strongest cell.
function point(pointed, tile) {
  const array = pointed && state.arrays.get(pointed.layer);
  const place = array && (pointed.row === undefined ? { ...pointed, ...desk.strongest(pointed.layer, pointed.map) } : pointed);
  story.tell(place ?? null, tile);
  if (!place) return (find('readout').textContent = say('readoutHint'));
  const value = array.data[(place.row * array.shape[1] + place.col) * array.shape[2] + place.map];
  find('readout').textContent = say('readout', { ...place, index: place.map, value: number(value, 5) });
}

async function take(blob, picture = createImageBitmap(blob)) {
  // The service reads more types than the browser does.
  drawing.show(await Promise.resolve(picture).catch(() => null));
  source = blob;
  pace.ask();
}

async function takeSample(name) {
  await take(await sampleBlob(state.model.preparation, name));
}

function useModel(name, wanted) {
  const previous = state.model;
  state.model = models.find((one) => one.name === name) ?? models[0];
  if (state.model !== previous) {
    Object.assign(state, { token: null, prediction: null, arrays: new Map() });
    ablation.set([]);
  }
  describeModel();
  desk.close();
  network.build(state.model);
  sheet.build(state.model, wanted ?? sheet.name);
  find('stage').hidden = !state.model.layers.some((layer) => layer.kind === 'convolution' && layer.activation);
  showSamples(state.model.preparation, samples[state.model.preparation] ?? []);
  showInks(state.model.preparation, drawing);
  point(null);
  if (previous && previous.preparation !== state.model.preparation) return takeSample(samples[state.model.preparation][0]);
  pace.ask();
}

function describeModel() {
  find('model').value = state.model.name;
  const { metrics, parameters } = state.model;
  const accuracy = `${(100 * metrics.accuracy).toFixed(2)} %`;
  const figures = { accuracy, images: metrics.images.toLocaleString(language()), parameters: parameters.toLocaleString(language()) };
  find('accuracy').textContent = say('accuracy', figures) + (metrics.remark ? ` · ${step(metrics.remark)}` : '');
}

function translate(wanted) {
  speak(wanted);
  if (state.model === null) return;
  const { layer, map, row, col } = desk.place;
  useModel(state.model.name);
  if (state.token) show();
  bench.draw();
  if (layer !== undefined) choose(layer, map, { row, col }, { scroll: false });
}

async function start() {
  const place = readPlace();
  speak(place.lang ?? (navigator.language.startsWith('ko') ? 'ko' : 'en'));
  startTheme(find('theme'));
  choice(find('language'), language(), translate);
  for (const name of Object.keys(options)) {
    options[name] = place[name] ?? options[name];
    choice(find(name), options[name], (value) => {
      options[name] = value;
      if (name === 'stage') pace.ask();
      else if (state.token) network.show(state.arrays, options);
      placed();
    });
  }
  find('undo').addEventListener('click', () => drawing.undo());
  find('clear').addEventListener('click', () => drawing.clear());
  find('samples').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) takeSample(button.value).catch(complain);
  });
  find('model').addEventListener('change', (event) => useModel(event.target.value));
  keepLink(find('permalink'));
  listen(take);
  addEventListener('hashchange', () => leadsElsewhere() && location.reload());
  const [served, pictures] = await Promise.all([getJson('/models'), getJson('/samples')]);
  [models, samples] = [served.models, pictures];
  find('model').replaceChildren(...models.map(({ name }) => make('option', { value: name }, name)));
  await begin(place, served.default);
}

async function begin(place, preferred) {
  useModel(place.model ?? preferred, place.sheet);
  reasons.place = place;
  if (place.bench) bench.place = place.bench;
  if (place.image) await takeToken(place.image);
  else await takeSample(samples[state.model.preparation].includes('7') ? '7' : samples[state.model.preparation][0]);
  await pace.settled();
  if (place.zero) ablation.set(place.zero.split(','));
  if (place.layer && state.token && state.model.layers.some(({ name }) => name === place.layer)) {
    await reveal(place.layer);
    choose(place.layer, Number(place.map), { row: Number(place.row), col: Number(place.col) }, { scroll: false });
  }
  if (place.view) find(place.view)?.scrollIntoView();
}

async function takeToken(token) {
  const pixels = await decodeToken(token);
  const canvas = document.createElement('canvas');
  paintPixels(canvas, pixels, state.model.input_shape);
  await take(blobOf(pixels, state.model.input_shape), canvas);
}

start().catch(complain);
