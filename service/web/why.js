// Two classes and a picture become two heatmaps on one scale.

import { address, getNpy } from './api.js';
import { find, make, number } from './elements.js';
import { paintPixels } from './paint.js';
import { anchored, pick } from './palettes.js';
import { showLegend, makeLegend } from './network.js';
import { showSame } from './same.js';
import { labelled, say } from './texts.js';

export class Reasons {
  constructor(state) {
    Object.assign(this, { state, labels: [null, null], control: null });
    this.views = [0, 1].map((side) => this.view(side));
    this.legend = makeLegend();
    find('reasons').replaceChildren(...this.views.map((one) => one.element), this.legend);
  }

  view(side) {
    const picker = make('select');
    const [pixels, heat] = [make('canvas'), make('canvas', { role: 'img' })];
    const label = make('label', {}, make('span', { 'data-text': 'reasonFor' }, say('reasonFor')), ' ', picker);
    picker.addEventListener('change', () => {
      this.labels[side] = picker.value;
      this.look();
    });
    const element = make('div', { className: 'reason' }, label, make('div', { className: 'stack' }, pixels, heat));
    return { element, picker, pixels, heat };
  }

  // After a new picture: the two most probable classes, unless both are still wanted.
  refresh() {
    const { model, prediction } = this.state;
    const ranked = [...model.labels].sort((a, b) => prediction.probabilities[b] - prediction.probabilities[a]);
    this.labels = ranked.slice(0, 2);
    for (const { picker, pixels } of this.views) {
      picker.replaceChildren(...model.labels.map((label) => make('option', { value: label }, labelled(label))));
      paintPixels(pixels, this.state.pixels, model.input_shape);
    }
    find('why').hidden = false;
    return this.look();
  }

  async look() {
    const { model, token } = this.state;
    this.control?.abort();
    this.control = new AbortController();
    const urls = this.labels.map((label) => address('/grad-cam', { model: model.name, image: token, label, format: 'npy' }));
    try {
      const heats = await Promise.all(urls.map((url) => getNpy(url, this.control.signal)));
      this.show(heats);
    } catch (problem) {
      if (problem.name !== 'AbortError') find('why').hidden = true; // A network without convolutions has none.
    }
    const png = urls[0].replace('format=npy', 'format=png');
    const json = urls[0].replace('format=npy', 'format=json');
    showSame(find('same-why'), `curl '${location.origin}${png}' -o grad-cam.png`, [['png', png], ['npy', urls[0]], ['json', json]], 'grad-cam');
  }

  show(heats) {
    const most = Math.max(...heats.flatMap(({ data }) => [...data]));
    const scale = anchored(0, most);
    this.views.forEach(({ picker, heat }, side) => {
      picker.value = this.labels[side];
      paintHeat(heat, heats[side], scale);
      const words = { label: labelled(this.labels[side]), max: number(Math.max(...heats[side].data), 3) };
      heat.setAttribute('aria-label', say('reasonLabel', words));
    });
    showLegend(this.legend, scale, 'layer');
  }
}

// The stronger, the more opaque: where there is no evidence, the picture stays as it is.
function paintHeat(canvas, { data, shape: [height, width] }, scale) {
  Object.assign(canvas, { width, height });
  const image = canvas.getContext('2d').createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < data.length; i++) {
    const opacity = scale.high > 0 ? Math.min(1, (1.6 * data[i]) / scale.high) : 0;
    pixels[i] = ((pick(scale, data[i]) & 0xffffff) | (Math.round(215 * opacity) << 24)) >>> 0;
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}
