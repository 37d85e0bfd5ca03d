// Two classes and a picture become two heatmaps on one scale.

import { address, getNpy } from '../common/api.js';
import { choice, find, make, number } from '../common/elements.js';
import { proportions } from '../common/layers.js';
import { paintPixels } from '../common/paint.js';
import { anchored, pick } from '../common/palettes.js';
import { makeLegend, showLegend } from '../common/legend.js';
import { showSame } from '../common/use_this.js';
import { labelled, say } from '../texts/texts.js';

const PATIENCE = 300; // milliseconds

export class Reasons {
  constructor(state, placed, complain) {
    Object.assign(this, { state, placed, complain, labels: [null, null], kept: null, method: 'grad-cam', control: null });
    this.press = choice(find('method'), this.method, (method) => {
      this.method = method;
      this.look();
      placed();
    });
    this.views = [0, 1].map((side) => this.view(side));
    this.legend = makeLegend();
    // Gradients cost the service more than all else here: asked for when somebody comes to look.
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.seen = isIntersecting;
      if (this.seen && this.stale) this.look();
    }).observe(find('why'));
    find('reasons').replaceChildren(...this.views.map((one) => one.element), this.legend);
  }

  view(side) {
    const picker = make('select');
    const strongest = make('small');
    const [pixels, heat] = [make('canvas'), make('canvas')];
    const label = make('label', {}, make('span', { 'data-text': 'reasonFor' }, say('reasonFor')), ' ', picker);
    picker.addEventListener('change', () => {
      this.labels[side] = picker.value;
      this.kept = [...this.labels];
      this.look();
      this.placed();
    });
    const element = make('div', { className: 'reason' }, label, make('div', { className: 'stack' }, pixels, heat), strongest);
    return { element, picker, pixels, heat, strongest };
  }

  // The classes somebody chose, and the method, for a link.
  get place() {
    return { why: this.kept?.join(), method: this.method === 'grad-cam' ? undefined : this.method };
  }

  set place({ why, method }) {
    this.kept = why?.split(',') ?? null;
    this.method = method ?? this.method;
    this.press(this.method);
  }

  // After a new picture: the two most probable classes, unless somebody chose others.
  refresh() {
    const { model, prediction } = this.state;
    this.model = model;
    const ranked = [...model.labels].sort((a, b) => prediction.probabilities[b] - prediction.probabilities[a]);
    if (this.kept?.some((one) => !model.labels.includes(one))) this.kept = null;
    this.labels = this.kept ? [...this.kept] : ranked.slice(0, 2);
    for (const [side, { picker, pixels }] of this.views.entries()) {
      picker.replaceChildren(...model.labels.map((label) => make('option', { value: label }, labelled(label))));
      picker.value = this.labels[side];
      paintPixels(pixels, this.state.pixels, model.input_shape);
      pixels.parentElement.style.aspectRatio = proportions(model);
    }
    find('why').hidden = false;
    // Grad-CAM needs a convolution.
    find('method').hidden = !model.layers.some(({ kind }) => kind === 'convolution');
    if (find('method').hidden) this.press(this.method = 'occlusion');
    this.stale = true;
    if (this.seen) return this.look();
    this.tell();
  }

  // Where the heatmaps can be had.
  tell() {
    const { model, token } = this.state;
    const [png, npy, json] = ['png', 'npy', 'json'].map((format) => (
      address('/grad-cam', { model: model.name, image: token, label: this.labels, method: this.method, format })
    ));
    showSame(find('same-why'), `curl '${location.origin}${png}' -o grad-cam.png`, Object.entries({ png, npy, json }), 'grad-cam');
    return npy;
  }

  async look() {
    // Between two pictures, or two models, there is nothing to explain; refresh() comes back.
    if (this.state.token === null || this.model !== this.state.model) return;
    this.stale = false;
    this.control?.abort();
    this.control = new AbortController();
    const slow = setTimeout(() => this.blank(say('reasonWait')), PATIENCE);
    try {
      this.show(halves(await getNpy(this.tell(), this.control.signal)));
    } catch (problem) {
      if (problem.name !== 'AbortError') this.blank('');
      this.complain(problem);
    } finally {
      clearTimeout(slow);
    }
  }

  // No heatmap of another picture lies over this one while its own is computed.
  blank(words) {
    for (const { heat, strongest } of this.views) {
      heat.getContext('2d').clearRect(0, 0, heat.width, heat.height);
      for (const one of ['role', 'aria-label']) heat.removeAttribute(one);
      strongest.textContent = words;
    }
  }

  show(heats) {
    const all = heats.flatMap(({ data }) => [...data]);
    const scale = anchored(Math.min(...all), Math.max(...all));
    this.views.forEach(({ heat, strongest }, side) => {
      paintHeat(heat, heats[side], scale);
      const max = number(Math.max(...heats[side].data), 3);
      heat.setAttribute('role', 'img');  // Nothing to tell of before.
      heat.setAttribute('aria-label', say('reasonLabel', { label: labelled(this.labels[side]), max }));
      strongest.textContent = say('strongest', { max });
    });
    showLegend(this.legend, scale, 'layer');
  }
}

// (classes, height, width) → one array a class
function halves({ data, shape: [count, height, width] }) {
  const size = height * width;
  return Array.from({ length: count }, (_, i) => ({ data: data.subarray(i * size, (i + 1) * size), shape: [height, width] }));
}

// The stronger, the more opaque: where there is no evidence, the picture stays as it is.
function paintHeat(canvas, { data, shape: [height, width] }, scale) {
  Object.assign(canvas, { width, height });
  const image = canvas.getContext('2d').createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < data.length; i++) {
    const opacity = scale.high > 0 ? Math.min(1, (1.6 * Math.abs(data[i])) / scale.high) : 0;
    pixels[i] = ((pick(scale, data[i]) & 0xffffff) | (Math.round(215 * opacity) << 24)) >>> 0;
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}
