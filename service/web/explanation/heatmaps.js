// Shows the evidence in the picture for two classes, as two heatmaps on one scale.

import { getNpy } from '../api/requests.js';
import { withQuery } from '../api/urls.js';
import { byId, make, toggleGroup } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { makeLegend, showLegend } from '../common/legend.js';
import { number } from '../common/numbers.js';
import { aspectRatio, paintPixels } from '../common/paint.js';
import { activationScale, colourOf } from '../common/palettes.js';
import { translate, translateLabel } from '../texts/texts.js';

const WAIT = 300; // ms after which an outdated heatmap makes room for "being computed"
const MAX_OPACITY = 215; // of 255: the picture stays visible below
const CONTRAST = 1.6; // values above 1 / 1.6 of the maximum get the full opacity

export class Heatmaps {
  // `onChoice()` is called when a class or the method is chosen.
  constructor(state, onChoice, onError) {
    Object.assign(this, { state, onChoice, onError, labels: [null, null], chosenLabels: null, method: 'grad-cam', control: null });
    this.pressMethod = toggleGroup(byId('method'), this.method, (method) => {
      this.method = method;
      this.load();
      onChoice();
    });
    this.views = [0, 1].map((side) => this.makeView(side));
    this.legend = makeLegend();
    // Heatmaps cost the service more than all other answers: requested only when they are in view.
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.inView = isIntersecting;
      if (this.inView && this.outdated) this.load();
    }).observe(byId('explanation'));
    byId('heatmaps').replaceChildren(...this.views.map(({ element }) => element), this.legend);
  }

  makeView(side) {
    const select = make('select');
    const caption = make('small');
    const [pixels, heat] = [make('canvas'), make('canvas')];
    const label = make('label', {}, make('span', { 'data-text': 'evidenceFor' }, translate('evidenceFor')), ' ', select);
    select.addEventListener('change', () => {
      this.labels[side] = select.value;
      this.chosenLabels = [...this.labels];
      this.load();
      this.onChoice();
    });
    const element = make('div', { className: 'heatmap' }, label, make('div', { className: 'stack' }, pixels, heat), caption);
    return { element, select, pixels, heat, caption };
  }

  // The chosen classes and method, as the parameters of a link.
  get linkValues() {
    return { why: this.chosenLabels?.join(), method: this.method === 'grad-cam' ? undefined : this.method };
  }

  set linkValues({ why, method }) {
    this.chosenLabels = why?.split(',') ?? null;
    this.method = method ?? this.method;
    this.pressMethod(this.method);
  }

  // Called after a new picture: shows the two most probable classes, unless others were chosen.
  refresh() {
    const { model, prediction } = this.state;
    this.model = model;
    const ranked = [...model.labels].sort((a, b) => prediction.probabilities[b] - prediction.probabilities[a]);
    if (this.chosenLabels?.some((label) => !model.labels.includes(label))) this.chosenLabels = null;
    this.labels = this.chosenLabels ? [...this.chosenLabels] : ranked.slice(0, 2);
    for (const [side, { select, pixels }] of this.views.entries()) {
      select.replaceChildren(...model.labels.map((label) => make('option', { value: label }, translateLabel(label))));
      select.value = this.labels[side];
      paintPixels(pixels, this.state.pixels, model.input_shape);
      pixels.parentElement.style.aspectRatio = aspectRatio(model);
    }
    byId('explanation').hidden = false;
    // Grad-CAM needs a convolution.
    byId('method').hidden = !model.layers.some(({ kind }) => kind === 'convolution');
    if (byId('method').hidden) this.pressMethod(this.method = 'occlusion');
    this.outdated = true;
    if (this.inView) return this.load();
    this.showExport();
  }

  // Returns the URL of the heatmaps' numbers.
  showExport() {
    const { model, token } = this.state;
    const [png, npy, json] = ['png', 'npy', 'json'].map((format) => (
      withQuery('/grad-cam', { model: model.name, image: token, label: this.labels, method: this.method, format })
    ));
    showExportBar(byId('export-heatmaps'), `curl '${location.origin}${png}' -o grad-cam.png`, Object.entries({ png, npy, json }), 'grad-cam');
    return npy;
  }

  async load() {
    // Before the new model's first prediction there is nothing to explain; refresh() follows.
    if (this.state.token === null || this.model !== this.state.model) return;
    this.outdated = false;
    this.control?.abort();
    this.control = new AbortController();
    const timer = setTimeout(() => this.clear(translate('evidenceWait')), WAIT);
    try {
      this.show(splitByClass(await getNpy(this.showExport(), this.control.signal)));
    } catch (error) {
      if (error.name !== 'AbortError') this.clear('');
      this.onError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  // Removes the heatmaps of another picture.
  clear(text) {
    for (const { heat, caption } of this.views) {
      heat.getContext('2d').clearRect(0, 0, heat.width, heat.height);
      for (const name of ['role', 'aria-label']) heat.removeAttribute(name);
      caption.textContent = text;
    }
  }

  show(heatmaps) {
    const all = heatmaps.flatMap(({ data }) => [...data]);
    const scale = activationScale(Math.min(...all), Math.max(...all));
    this.views.forEach(({ heat, caption }, side) => {
      paintHeatmap(heat, heatmaps[side], scale);
      const max = number(Math.max(...heatmaps[side].data), 3);
      heat.setAttribute('role', 'img'); // An empty canvas has no role: it would have no name.
      heat.setAttribute('aria-label', translate('evidenceLabel', { label: translateLabel(this.labels[side]), max }));
      caption.textContent = translate('strongest', { max });
    });
    showLegend(this.legend, scale, 'layer');
  }
}

// (classes, height, width) → one array for each class
function splitByClass({ data, shape: [count, height, width] }) {
  const size = height * width;
  return Array.from({ length: count }, (_, i) => ({ data: data.subarray(i * size, (i + 1) * size), shape: [height, width] }));
}

// The opacity grows with the evidence: where there is none, the picture shows unchanged.
function paintHeatmap(canvas, { data, shape: [height, width] }, scale) {
  Object.assign(canvas, { width, height });
  const image = canvas.getContext('2d').createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < data.length; i++) {
    const opacity = scale.high > 0 ? Math.min(1, (CONTRAST * Math.abs(data[i])) / scale.high) : 0;
    pixels[i] = ((colourOf(scale, data[i]) & 0xffffff) | (Math.round(MAX_OPACITY * opacity) << 24)) >>> 0;
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}
