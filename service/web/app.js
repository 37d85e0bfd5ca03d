// The page: what is chosen and drawn goes to the service, and its answers to the views.

import { address, getJson, getNpy, postPicture } from './api.js';
import { showBars, showSteps } from './answer.js';
import { Bench } from './bench.js';
import { Desk } from './desk.js';
import { Drawing } from './drawing.js';
import { choice, find, make, number } from './elements.js';
import { columnsOf, hasMaps, mapsOf } from './layers.js';
import { Network } from './network.js';
import { decodeToken } from './npy.js';
import { paintPixels } from './paint.js';
import { Pace } from './pace.js';
import { readPlace, writePlace } from './place.js';
import { showSame } from './same.js';
import { listen } from './sources.js';
import { labelled, language, say, speak, step } from './texts.js';
import { startTheme } from './theme.js';
import { Reasons } from './why.js';

const state = { model: null, token: null, prediction: null, pixels: null, arrays: new Map() };
const options = { stage: 'post', scale: 'layer', sort: 'index' };
let [models, samples, source] = [[], {}, null];

const pace = new Pace(60, look, complain);
const drawing = new Drawing(find('draw'), find('pen'), () => {
  source = null;
  pace.ask();
});
const network = new Network(find('columns'), { choose, point, reveal });
const desk = new Desk(state, (place) => writePlace({ ...placeOf(), ...place }));
const reasons = new Reasons(state);
const bench = new Bench();

async function look(signal, asked) {
  if (source === null && drawing.empty) return forget();
  const blob = source ?? (await drawing.blob());
  const { model } = state;
  const vectors = columnsOf(model).filter((layer) => !hasMaps(layer)).map((layer) => layer.name);
  const url = address('/predict', { model: model.name, layers: vectors.join() || undefined });
  const prediction = (await postPicture(url, blob, signal)).predictions[0];
  const [pixels, arrays] = await Promise.all([decodeToken(prediction.image), fetchMaps(prediction.image, signal)]);
  for (const name of vectors) arrays.set(name, vectorOf(prediction.maps[name]));
  if (signal.aborted) return;
  Object.assign(state, { token: prediction.image, prediction, pixels, arrays });
  show();
  document.documentElement.dataset.took = Math.round(performance.now() - asked);
}

function vectorOf({ values }) {
  const data = Float32Array.from(values.flat(Infinity));
  return { data, shape: [1, 1, data.length] };
}

// Of the layers in view and the one on the desk.
async function fetchMaps(image, signal) {
  const wanted = ({ name }) => network.visible.has(name) || name === desk.place.layer;
  const layers = state.model.layers.filter((layer) => hasMaps(layer) && wanted(layer));
  const arrays = await Promise.all(layers.map((layer) => getNpy(mapsUrl(layer, image, 'npy'), signal)));
  return new Map(layers.map((layer, i) => [layer.name, arrays[i]]));
}

async function reveal(name) {
  const { model, token, arrays } = state;
  const layer = model.layers.find((one) => one.name === name);
  if (token === null || arrays.has(name) || !hasMaps(layer)) return;
  arrays.set(name, await getNpy(mapsUrl(layer, token, 'npy')));
  if (arrays === state.arrays) network.show(arrays, options);
}

function mapsUrl(layer, image, format) {
  const stage = options.stage === 'pre' && layer.activation ? 'pre' : undefined;
  return address(`/layers/${layer.name}/${mapsOf(layer)}`, { model: state.model.name, image, stage, format });
}

function show() {
  const { model, prediction, pixels, token } = state;
  complain(null);
  showBars(model.labels, prediction);
  showSteps(prediction);
  paintPixels(find('seen'), pixels, model.input_shape);
  network.showInput(pixels);
  network.showOutput(prediction);
  network.show(state.arrays, options);
  showSame(find('same-predict'), `curl -F file=@picture.png '${location.origin}${address('/predict', { model: model.name })}'`, []);
  desk.refresh(options);
  for (const name of network.visible) reveal(name).catch(complain); // Those that came into view meanwhile.
  clearTimeout(state.explaining);
  state.explaining = setTimeout(() => reasons.refresh(), 200); // Gradients can wait until the drawing pauses.
  writePlace(placeOf());
}

function forget() {
  Object.assign(state, { token: null, prediction: null, pixels: null });
  complain(null);
  showBars(state.model.labels, null);
  showSteps(null);
  find('seen').getContext('2d').clearRect(0, 0, find('seen').width, find('seen').height);
}

function complain(problem) {
  find('problem').hidden = problem === null;
  find('problem').textContent = problem?.message ?? '';
}

function placeOf() {
  return { model: state.model.name, image: state.token, lang: language(), ...desk.place };
}

function choose(layer, map, cell, focus) {
  network.mark({ layer, map });
  desk.open({ layer, map, ...(cell ?? desk.strongest(layer, map)) }, options, focus);
  sayLayer(layer);
}

function sayLayer(name) {
  const layer = state.model.layers.find((one) => one.name === name);
  const formats = ['png', 'npy', 'json'].map((format) => [format, mapsUrl(layer, state.token, format)]);
  const line = `curl '${location.origin}${formats[0][1]}' -o ${name}.png`;
  if (layer.kind === 'convolution') {
    formats.push([`${say('filters')}.png`, address(`/layers/${name}/filters`, { model: state.model.name, format: 'png' })]);
  }
  showSame(find('same-layer'), line, formats, name);
}

function point(place) {
  const array = place && state.arrays.get(place.layer);
  if (!array) return (find('readout').textContent = say('readoutHint'));
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
  const picture = await fetch(`/samples/${state.model.preparation}/${name}.png`);
  await take(await picture.blob());
}

function showSamples() {
  const how = state.model.preparation;
  const buttons = (samples[how] ?? []).map((name) => {
    const picture = make('img', { src: `/samples/${how}/${name}.png`, alt: '', width: 44, height: 44 });
    const button = make('button', { type: 'button', value: name, className: 'sample' }, picture);
    button.setAttribute('aria-label', say('sample', { name: labelled(name) }));
    return button;
  });
  find('samples').replaceChildren(...buttons);
}

async function useModel(name) {
  const previous = state.model;
  state.model = models.find((one) => one.name === name) ?? models[0];
  if (state.model !== previous) Object.assign(state, { token: null, prediction: null, arrays: new Map() });
  find('model').value = state.model.name;
  const { metrics, parameters } = state.model;
  const accuracy = `${(100 * metrics.accuracy).toFixed(2)} %`;
  const figures = { accuracy, images: metrics.images.toLocaleString(language()), parameters: parameters.toLocaleString(language()) };
  find('accuracy').textContent = say('accuracy', figures) + (metrics.remark ? ` · ${step(metrics.remark)}` : '');
  desk.close();
  find('same-layer').replaceChildren();
  network.build(state.model);
  find('stage').hidden = !state.model.layers.some((layer) => layer.kind === 'convolution' && layer.activation);
  drawing.width = state.model.preparation === 'digit' ? 18 : 14;
  showSamples();
  showInks();
  point(null);
  if (previous && previous.preparation !== state.model.preparation) await takeSample(samples[state.model.preparation][0]);
  else pace.ask();
}

function showInks() {
  const colours = ['#1b1b1f', '#c8372d', '#e8a33d', '#4f8a3c', '#3f7fbf', '#8a5a36', '#9a9a9a', '#ffffff'];
  find('inks').hidden = state.model.preparation === 'digit';
  drawing.colour = colours[0];
  const buttons = colours.map((colour) => {
    const button = make('button', { type: 'button', value: colour, title: colour });
    button.style.setProperty('--colour', colour);
    return button;
  });
  find('inks').replaceChildren(...buttons);
  choice(find('inks'), colours[0], (colour) => (drawing.colour = colour));
}

function translate(wanted) {
  speak(wanted);
  if (state.model === null) return;
  const { layer, map, row, col } = desk.place;
  const open = layer !== undefined;
  useModel(state.model.name);
  if (state.token) show();
  bench.draw();
  if (open) choose(layer, map, { row, col }, false);
}

async function start() {
  const place = readPlace();
  speak(place.lang ?? (navigator.language.startsWith('ko') ? 'ko' : 'en'));
  startTheme(find('theme'));
  choice(find('language'), language(), translate);
  for (const name of Object.keys(options)) {
    choice(find(name), options[name], (value) => {
      options[name] = value;
      if (name === 'stage') pace.ask();
      else if (state.token) network.show(state.arrays, options);
    });
  }
  find('undo').addEventListener('click', () => drawing.undo());
  find('clear').addEventListener('click', () => drawing.clear());
  find('samples').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) takeSample(button.value).catch(complain);
  });
  find('model').addEventListener('change', (event) => useModel(event.target.value));
  listen(take);
  const [served, pictures] = await Promise.all([getJson('/models'), getJson('/samples')]);
  [models, samples] = [served.models, pictures];
  find('model').replaceChildren(...models.map(({ name }) => make('option', { value: name }, name)));
  await begin(place, served.default);
}

async function begin(place, preferred) {
  await useModel(place.model ?? preferred);
  if (place.image) await takeToken(place.image);
  else await takeSample(samples[state.model.preparation].includes('7') ? '7' : samples[state.model.preparation][0]);
  await pace.settled();
  if (place.layer && state.token && state.model.layers.some(({ name }) => name === place.layer)) {
    await reveal(place.layer);
    choose(place.layer, Number(place.map), { row: Number(place.row), col: Number(place.col) }, false);
  }
}

async function takeToken(token) {
  const [height, width, channels] = state.model.input_shape;
  const pixels = await decodeToken(token);
  const canvas = document.createElement('canvas');
  paintPixels(canvas, pixels, state.model.input_shape);
  // As a plain PGM or PPM, which has no alpha: exactly these pixels reach the network again.
  const head = `P${channels === 1 ? 5 : 6} ${width} ${height} 255\n`;
  await take(new Blob([head, pixels]), canvas);
}

start().catch(complain);
