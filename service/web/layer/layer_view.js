// Shows one layer: its kernels, the statistics of every map on this picture and on the test images,
// and a check box for each map that leaves it out.

import { findLayer } from '../api/manifest.js';
import { getJson } from '../api/requests.js';
import { withQuery } from '../api/urls.js';
import { byId, make } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { number } from '../common/numbers.js';
import { layerDescription, shapeText } from '../texts/layer_texts.js';
import { translate } from '../texts/texts.js';
import { Kernels } from './kernels.js';

export class LayerView {
  // `ablation` holds the maps that are left out; `selectMap(layer, map, channel)` opens a map.
  constructor(state, { ablation, selectMap, onError }) {
    Object.assign(this, { state, ablation, selectMap, onError, name: null, sort: 'index', control: null });
    this.kernels = new Kernels((map, channel) => selectMap(this.name, map, channel));
    byId('layer-select').addEventListener('change', (event) => this.open(event.target.value));
    const table = byId('map-statistics');
    table.addEventListener('click', (event) => this.onClick(event));
    table.addEventListener('change', (event) => ablation.toggle(event.target.value));
  }

  // Offers the model's layers with maps, and opens `wanted` or the first.
  build(model, wanted) {
    const layers = model.layers.filter(({ output_shape: shape, kind }) => shape.length === 3 && kind !== 'dropout');
    byId('layer').hidden = layers.length === 0;
    if (!layers.length) return (this.name = null);
    byId('layer-select').replaceChildren(...layers.map(({ name }) => make('option', { value: name }, name)));
    this.name = layers.find(({ name }) => name === wanted)?.name ?? layers[0].name;
    this.open(this.name);
  }

  has(name) {
    return [...byId('layer-select').options].some(({ value }) => value === name);
  }

  get layer() {
    return findLayer(this.state.model, this.name);
  }

  open(name) {
    this.name = name;
    byId('layer-select').value = name;
    const { layer, state: { model } } = this;
    byId('layer-about').textContent = [shapeText(layer), layerDescription(model, layer), layer.formula].filter(Boolean).join(' · ');
    const hasKernels = layer.kind === 'convolution';
    byId('filters').hidden = !hasKernels;
    byId('map-statistics').classList.toggle('fixed', !hasKernels);
    if (hasKernels) this.showKernels();
    this.refresh();
  }

  showKernels() {
    const { model } = this.state;
    const [height, width, channels] = [...this.layer.kernel, inputChannels(model, this.layer)];
    const colour = channels === 3;
    byId('filters-caption').textContent = translate(colour ? 'kernelsColour' : channels === 1 ? 'kernelsOne' : 'kernelsMany', { height, width, channels });
    const url = (parameters) => withQuery(`/layers/${this.name}/filters`, { model: model.name, ...parameters });
    const downloads = ['png', 'npy', 'json'].map((format) => [format, url({ format })]);
    if (colour) downloads.splice(1, 0, ['colour.png', url({ format: 'png', composite: true })]);
    showExportBar(byId('export-filters'), `curl '${location.origin}${downloads[0][1]}' -o filters.png`, downloads, `${this.name}-filters`);
    this.kernels.show(url({ format: 'npy' })).catch(this.onError);
  }

  // Called after a new picture.
  refresh() {
    this.control?.abort();
    this.control = new AbortController();
    return this.load(this.control.signal).catch(this.onError);
  }

  async load(signal) {
    const { model, token } = this.state;
    if (!this.name || token === null) return;
    const url = withQuery(`/layers/${this.name}/statistics`, { model: model.name, image: token });
    this.answer = await getJson(url, signal);
    this.showStatistics();
    showExportBar(byId('export-statistics'), `curl '${location.origin}${url}'`, [['json', url]], `${this.name}-statistics`);
  }

  showStatistics() {
    const { maps, test_images: images } = this.answer;
    const dead = maps.filter((map) => map.dead).length;
    const silent = maps.filter((map) => map.image.zeros === 1).length - dead;
    const count = { maps: maps.length, dead, silent, images: images.toLocaleString(document.documentElement.lang) };
    byId('counts').textContent = translate(maps[0].test ? 'counts' : 'countsHere', count);
    const order = [...maps].sort(ORDERS[this.sort]);
    byId('map-statistics').tBodies[0].replaceChildren(...order.map((map) => this.row(map)));
    for (const head of byId('map-statistics').tHead.querySelectorAll('th[data-sort]')) {
      head.setAttribute('aria-sort', head.dataset.sort === this.sort ? (this.sort === 'index' ? 'ascending' : 'descending') : 'none');
    }
  }

  row({ index, image, test, dead }) {
    const open = make('button', { type: 'button', className: 'plain', value: String(index) }, String(index));
    open.setAttribute('aria-label', translate('openMap', { layer: this.name, index }));
    const name = `${this.name}:${index}`;
    const box = make('input', { type: 'checkbox', value: name, checked: this.ablation.zeroed.has(name) });
    box.setAttribute('aria-label', translate('leaveOutMap', { layer: this.name, index }));
    const row = make(
      'tr', {},
      make('th', { scope: 'row' }, open), shareCell(image.zeros), make('td', {}, number(image.maximum, 3)), make('td', { className: 'wide' }, number(image.mean, 3)),
      test ? shareCell(test.zeros) : make('td', {}, '–'), make('td', {}, test ? number(test.maximum, 3) : '–'), make('td', { className: 'wide' }, test ? number(test.mean, 3) : '–'),
      make('td', { className: 'state' }, dead ? translate('dead') : image.zeros === 1 ? translate('silentHere') : ''), make('td', { className: 'out' }, box),
    );
    row.classList.toggle('dead', Boolean(dead));
    return row;
  }

  onClick(event) {
    const head = event.target.closest('th[data-sort]');
    if (head) {
      this.sort = head.dataset.sort;
      return this.showStatistics();
    }
    const button = event.target.closest('button');
    if (button) this.selectMap(this.name, Number(button.value), null);
  }

  // Checks the boxes of the maps that are left out.
  updateCheckboxes() {
    for (const box of byId('map-statistics').querySelectorAll('input')) box.checked = this.ablation.zeroed.has(box.value);
  }
}

const ORDERS = {
  index: (a, b) => a.index - b.index,
  zeros: (a, b) => b.image.zeros - a.image.zeros || a.index - b.index,
  maximum: (a, b) => b.image.maximum - a.image.maximum,
  test: (a, b) => (b.test?.zeros ?? 0) - (a.test?.zeros ?? 0) || a.index - b.index,
};

// The share of zeros as a bar and a percentage.
function shareCell(zeros) {
  const bar = make('i');
  bar.style.transform = `scaleX(${zeros})`;
  const text = zeros > 0.9995 && zeros < 1 ? '> 99.9 %' : `${(100 * zeros).toFixed(zeros === 1 || zeros === 0 ? 0 : 1)} %`;
  return make('td', { className: 'share' }, make('b', {}, bar), make('span', {}, text));
}

function inputChannels(model, layer) {
  const [name] = layer.inputs;
  return (name === 'images' ? model.input_shape : findLayer(model, name).output_shape).at(-1);
}
