// Connects the views: sends the picture to the service and shows its answer in every view.

import { exportAnswer, showAnswer } from './answer/answer.js';
import { clearNetworkInput, showNetworkInput } from './answer/network_input.js';
import { findLayer, hasMaps, shownLayers } from './api/manifest.js';
import { requestPrediction } from './api/predictions.js';
import { getJson, getNpy } from './api/requests.js';
import { mapsUrl } from './api/urls.js';
import { CellView } from './cell/cell_view.js';
import { HoverCard } from './cell/hover_card.js';
import { byId, make, toggleGroup } from './common/elements.js';
import { strongestCell, strongestMap } from './common/feature_maps.js';
import { scrollTo } from './common/motion.js';
import { linkChanged, readLink, registerLink, updateLinks } from './common/permalink.js';
import { PictureInput } from './drawing/picture_input.js';
import { Heatmaps } from './explanation/heatmaps.js';
import { Ablation } from './layer/ablation.js';
import { LayerView } from './layer/layer_view.js';
import { changedOptions, offerStages, options, startOptions } from './network/map_options.js';
import { NetworkView } from './network/network_view.js';
import { exportMaps, showReadout } from './network/readout.js';
import { clearError, showError } from './page/error_message.js';
import { showModelSummary } from './page/model_summary.js';
import { startTheme } from './page/theme.js';
import { Throttle } from './page/throttle.js';
import { Playground } from './playground/playground.js';
import { language, setLanguage } from './texts/texts.js';

const PREDICTION_INTERVAL = 25; // ms
const PAUSE = 200; // ms without a new prediction, after which the slower views follow

// What is shown. `token` is the picture's image token, `pixels` the model's uint8 input, and `arrays`
// maps the names of the layers that are loaded to their outputs, {data, shape}.
const state = { model: null, token: null, prediction: null, pixels: null, arrays: new Map() };
let models = []; // as GET /models describes them
let samples = {}; // sample names for each preparation
let pauseTimer = null;

const onError = (error) => showError(error, () => throttle.request());
const throttle = new Throttle(PREDICTION_INTERVAL, predict, onError);
const pictureInput = new PictureInput(() => throttle.request(), onError);
const networkView = new NetworkView(byId('columns'), { selectMap, point, load: loadMaps, openLayer });
const hoverCard = new HoverCard(state, networkView.connections);
const cellView = new CellView(state, refreshLinks, selectMap);
const heatmaps = new Heatmaps(state, refreshLinks, onError);
const ablation = new Ablation(state, leaveOut, onError);
const layerView = new LayerView(state, { ablation, selectMap: selectMapOfLayer, onError });
const playground = new Playground(refreshLinks);

// One request brings the prediction and the maps of every layer that is in view or in the cell view.
async function predict(signal, requested) {
  if (pictureInput.empty) return clear();
  const { model } = state;
  const picture = await pictureInput.toBlob();
  const isNeeded = ({ name }) => networkView.visible.has(name) || name === cellView.position.layer;
  const layers = shownLayers(model).filter((layer) => !hasMaps(layer) || isNeeded(layer));
  const answer = await requestPrediction(model, layers, options, picture, signal);
  if (signal.aborted || model !== state.model) return;
  Object.assign(state, answer);
  showPrediction();
  // The time from the request to the frame that shows the new maps, for the tests.
  requestAnimationFrame(() => (document.documentElement.dataset.took = Math.round(performance.now() - requested)));
}

// Loads the maps of a layer that comes into view after the prediction.
async function loadMaps(name) {
  const { model, token, arrays } = state;
  const layer = findLayer(model, name);
  if (token === null || arrays.has(name) || !hasMaps(layer)) return;
  arrays.set(name, await getNpy(mapsUrl(state, layer, options, 'npy')));
  if (arrays === state.arrays) networkView.show(arrays, options);
}

function showPrediction() {
  const { model, prediction, pixels } = state;
  clearError();
  showAnswer(model.labels, prediction);
  showNetworkInput(state);
  networkView.showInput(pixels);
  networkView.showOutput(prediction);
  networkView.show(state.arrays, options);
  hoverCard.refresh();
  if (cellView.position.layer === undefined) selectStrongestMap();
  else cellView.refresh(options);
  for (const name of networkView.visible) loadMaps(name).catch(onError); // Layers that came into view meanwhile.
  refreshLinks();
  clearTimeout(pauseTimer);
  pauseTimer = setTimeout(showSlowViews, PAUSE);
}

// The views that send requests of their own, and the downloads.
function showSlowViews() {
  if (state.prediction === null) return; // The drawing was cleared, or another model chosen.
  for (const view of [heatmaps, layerView, ablation]) view.refresh();
  exportAnswer(state);
  exportMaps(state, layerView.name, options);
}

function clear() {
  clearTimeout(pauseTimer);
  Object.assign(state, { token: null, prediction: null, pixels: null });
  clearError();
  showAnswer(state.model.labels, null);
  clearNetworkInput();
}

function selectMap(layer, map, cell, how = {}) {
  networkView.markSelected(layer, map);
  cellView.open({ layer, map, ...cell }, options, how);
  if (how.scroll !== false && layer !== layerView.name && layerView.has(layer)) openLayer(layer, false);
}

async function selectMapOfLayer(layer, map, channel) {
  await loadMaps(layer);
  selectMap(layer, map, null, { focus: true, channel });
}

// Until a map is chosen, the strongest map of the first layer is shown.
function selectStrongestMap() {
  const layer = state.model.layers.find(({ name, output_shape: shape }) => shape.length === 3 && state.arrays.has(name));
  if (layer) selectMap(layer.name, strongestMap(state.arrays.get(layer.name)), null, { scroll: false });
}

function openLayer(name, scroll = true) {
  layerView.open(name);
  exportMaps(state, name, options);
  if (scroll) scrollTo(byId('layer'));
  refreshLinks();
}

function leaveOut(zeroed) {
  networkView.markLeftOut(zeroed);
  layerView.updateCheckboxes();
  refreshLinks();
}

// `pointed` is a cell under the pointer, a map that has the keyboard's focus (its strongest cell), or null.
function point(pointed, tile) {
  const array = pointed && state.arrays.get(pointed.layer);
  const cell = array ? { ...strongestCell(array, pointed.map), ...pointed } : null;
  hoverCard.show(cell, tile);
  showReadout(cell, array);
}

function useModel(name, layer = layerView.name) {
  const previous = state.model;
  const model = models.find((one) => one.name === name) ?? models[0];
  state.model = model;
  if (model !== previous) {
    Object.assign(state, { token: null, prediction: null, arrays: new Map() });
    ablation.set([]);
  }
  showModelSummary(model);
  cellView.close();
  networkView.build(model);
  layerView.build(model, layer);
  offerStages(model);
  const names = samples[model.preparation] ?? [];
  pictureInput.offer(model.preparation, names);
  point(null);
  if (previous && previous.preparation !== model.preparation) return pictureInput.useSample(names[0]);
  throttle.request();
}

function changeLanguage(wanted) {
  setLanguage(wanted);
  if (state.model === null) return;
  const { layer, map, row, col } = cellView.position;
  useModel(state.model.name);
  if (state.token) showPrediction();
  playground.draw();
  if (layer !== undefined) selectMap(layer, map, { row, col }, { scroll: false });
}

// Links made by earlier versions must keep working: `sheet` is the open layer, `bench` the playground's
// lesson, `zero` the maps that are left out, `layer`, `map`, `row` and `col` the cell.
function refreshLinks() {
  if (state.model === null) return;
  updateLinks({
    model: state.model.name,
    image: state.token,
    lang: language(),
    ...cellView.position,
    ...changedOptions(),
    sheet: layerView.name,
    zero: [...ablation.zeroed].join(),
    ...heatmaps.linkValues,
    bench: playground.linkValue,
  });
}

async function start() {
  const link = readLink();
  setLanguage(link.lang ?? (navigator.language.startsWith('ko') ? 'ko' : 'en'));
  startTheme(byId('theme'));
  toggleGroup(byId('language'), language(), changeLanguage);
  startOptions(link, optionChanged);
  byId('model').addEventListener('change', (event) => useModel(event.target.value));
  registerLink(byId('permalink'));
  addEventListener('hashchange', () => linkChanged() && location.reload());
  const [served, names] = await Promise.all([getJson('/models'), getJson('/samples')]);
  [models, samples] = [served.models, names];
  byId('model').replaceChildren(...models.map(({ name }) => make('option', { value: name }, name)));
  await restore(link, served.default);
}

function optionChanged(name) {
  if (name === 'stage') throttle.request();
  else if (state.token) networkView.show(state.arrays, options);
  refreshLinks();
}

// Shows what the link says; without one, a sample with the service's default model.
async function restore(link, defaultModel) {
  useModel(link.model ?? defaultModel, link.sheet);
  heatmaps.linkValues = link;
  if (link.bench) playground.linkValue = link.bench;
  const names = samples[state.model.preparation];
  if (link.image) await pictureInput.useImageToken(link.image, state.model.input_shape);
  else await pictureInput.useSample(names.includes('7') ? '7' : names[0]);
  await throttle.idle();
  if (link.zero) ablation.set(link.zero.split(','));
  if (link.layer && state.token && findLayer(state.model, link.layer)) {
    await loadMaps(link.layer);
    selectMap(link.layer, Number(link.map), { row: Number(link.row), col: Number(link.col) }, { scroll: false });
  }
  if (link.view) byId(link.view)?.scrollIntoView();
}

start().catch(onError);
