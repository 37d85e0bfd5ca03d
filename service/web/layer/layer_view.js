// One layer on one sheet: its kernels, what each map does here and on all test images, and a way
// to take maps out of the network.

import { address, getJson } from '../common/api.js';
import { find, make, number } from '../common/elements.js';
import { Kernels } from './kernels.js';
import { describe, shapeOf } from '../common/layers.js';
import { showSame } from '../common/use_this.js';
import { say } from '../texts/texts.js';

export class Sheet {
  constructor(state, { ablation, choose, complain }) {
    Object.assign(this, { state, ablation, choose, complain, name: null, sort: 'index', control: null });
    this.kernels = new Kernels((map, channel) => choose(this.name, map, channel));
    find('sheet-layer').addEventListener('change', (event) => this.open(event.target.value));
    const table = find('records');
    table.addEventListener('click', (event) => this.press(event));
    table.addEventListener('change', (event) => ablation.toggle(event.target.value));
  }

  // Layers with maps of their own; a sum of branches has maps as well, but no kernels.
  build(model, wanted) {
    const layers = model.layers.filter(({ output_shape: shape, kind }) => shape.length === 3 && kind !== 'dropout');
    find('sheet').hidden = layers.length === 0;
    if (!layers.length) return (this.name = null);
    find('sheet-layer').replaceChildren(...layers.map(({ name }) => make('option', { value: name }, name)));
    this.name = layers.find(({ name }) => name === wanted)?.name ?? layers[0].name;
    this.open(this.name);
  }

  has(name) {
    return [...find('sheet-layer').options].some(({ value }) => value === name);
  }

  get layer() {
    return this.state.model.layers.find(({ name }) => name === this.name);
  }

  open(name) {
    this.name = name;
    find('sheet-layer').value = name;
    const { layer, state: { model } } = this;
    find('sheet-about').textContent = [shapeOf(layer), describe(model, layer), layer.formula].filter(Boolean).join(' · ');
    const learned = layer.kind === 'convolution';
    find('filters').hidden = !learned;
    find('records').classList.toggle('fixed', !learned);
    if (learned) this.showKernels();
    this.refresh();
  }

  showKernels() {
    const { model } = this.state;
    const [height, width, channels] = [...this.layer.kernel, shapeOfInput(model, this.layer)];
    const colour = channels === 3;
    find('filters-caption').textContent = say(colour ? 'kernelsColour' : channels === 1 ? 'kernelsOne' : 'kernelsMany', { height, width, channels });
    const url = (more) => address(`/layers/${this.name}/filters`, { model: model.name, ...more });
    const downloads = ['png', 'npy', 'json'].map((format) => [format, url({ format })]);
    if (colour) downloads.splice(1, 0, ['colour.png', url({ format: 'png', composite: true })]);
    showSame(find('same-filters'), `curl '${location.origin}${downloads[0][1]}' -o filters.png`, downloads, `${this.name}-filters`);
    this.kernels.show(url({ format: 'npy' })).catch(this.complain);
  }

  // After a new picture: what its maps do.
  refresh() {
    this.control?.abort();
    this.control = new AbortController();
    return this.look(this.control.signal).catch(this.complain);
  }

  async look(signal) {
    const { model, token } = this.state;
    if (!this.name || token === null) return;
    const url = address(`/layers/${this.name}/statistics`, { model: model.name, image: token });
    this.answer = await getJson(url, signal);
    this.draw();
    showSame(find('same-records'), `curl '${location.origin}${url}'`, [['json', url]], `${this.name}-statistics`);
  }

  draw() {
    const { maps, test_images: images } = this.answer;
    const dead = maps.filter((one) => one.dead).length;
    const silent = maps.filter((one) => one.image.zeros === 1).length - dead;
    const count = { maps: maps.length, dead, silent, images: images.toLocaleString(document.documentElement.lang) };
    find('counts').textContent = say(maps[0].test ? 'counts' : 'countsHere', count);
    const order = [...maps].sort(ORDERS[this.sort]);
    find('records').tBodies[0].replaceChildren(...order.map((one) => this.row(one)));
    for (const head of find('records').tHead.querySelectorAll('th[data-sort]')) {
      head.setAttribute('aria-sort', head.dataset.sort === this.sort ? (this.sort === 'index' ? 'ascending' : 'descending') : 'none');
    }
  }

  row({ index, image, test, dead }) {
    const open = make('button', { type: 'button', className: 'plain', value: String(index) }, String(index));
    open.setAttribute('aria-label', say('openMap', { layer: this.name, index }));
    const name = `${this.name}:${index}`;
    const box = make('input', { type: 'checkbox', value: name, checked: this.ablation.zero.has(name) });
    box.setAttribute('aria-label', say('takeOut', { layer: this.name, index }));
    const row = make(
      'tr', {},
      make('th', { scope: 'row' }, open), share(image.zeros), make('td', {}, number(image.maximum, 3)), make('td', { className: 'wide' }, number(image.mean, 3)),
      test ? share(test.zeros) : make('td', {}, '–'), make('td', {}, test ? number(test.maximum, 3) : '–'), make('td', { className: 'wide' }, test ? number(test.mean, 3) : '–'),
      make('td', { className: 'state' }, dead ? say('dead') : image.zeros === 1 ? say('zeroHere') : ''), make('td', { className: 'out' }, box),
    );
    row.classList.toggle('dead', Boolean(dead));
    return row;
  }

  press(event) {
    const head = event.target.closest('th[data-sort]');
    if (head) {
      this.sort = head.dataset.sort;
      return this.draw();
    }
    const button = event.target.closest('button');
    if (button) this.choose(this.name, Number(button.value), null);
  }

  // The boxes follow when maps are put back elsewhere.
  mark() {
    for (const box of find('records').querySelectorAll('input')) box.checked = this.ablation.zero.has(box.value);
  }
}

const ORDERS = {
  index: (a, b) => a.index - b.index,
  zeros: (a, b) => b.image.zeros - a.image.zeros || a.index - b.index,
  maximum: (a, b) => b.image.maximum - a.image.maximum,
  test: (a, b) => (b.test?.zeros ?? 0) - (a.test?.zeros ?? 0) || a.index - b.index,
};

function share(zeros) {
  const bar = make('i');
  bar.style.transform = `scaleX(${zeros})`;
  const text = zeros > 0.9995 && zeros < 1 ? '> 99.9 %' : `${(100 * zeros).toFixed(zeros === 1 || zeros === 0 ? 0 : 1)} %`;
  return make('td', { className: 'share' }, make('b', {}, bar), make('span', {}, text));
}

function shapeOfInput(model, layer) {
  const [name] = layer.inputs;
  return (name === 'images' ? model.input_shape : model.layers.find((one) => one.name === name).output_shape).at(-1);
}
