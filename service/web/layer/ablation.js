// Sets chosen maps to zero and shows how every probability changes.

import { imageFile } from '../api/image_file.js';
import { postPicture } from '../api/requests.js';
import { withQuery } from '../api/urls.js';
import { shownLabels } from '../common/class_labels.js';
import { byId, make } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { number, percent } from '../common/numbers.js';
import { translate, translateLabel } from '../texts/texts.js';

const LEAST_FULL_BAR = 0.01; // a change that fills its bar is at least one percentage point

export class Ablation {
  // `onChange(zeroed)` gets the set of zeroed maps, each named `layer:index`.
  constructor(state, onChange, onError) {
    Object.assign(this, { state, onChange, onError, zeroed: new Set(), control: null });
    byId('zeroed').addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button?.value === '') this.set([]);
      else if (button) this.toggle(button.value);
    });
  }

  toggle(name) {
    const zeroed = new Set(this.zeroed);
    if (!zeroed.delete(name)) zeroed.add(name);
    this.set(zeroed);
  }

  set(names) {
    this.zeroed = new Set(names);
    this.onChange(this.zeroed);
    this.refresh();
  }

  // Called after a new picture or another choice.
  refresh() {
    this.control?.abort();
    this.control = new AbortController();
    return this.load(this.control.signal).catch(this.onError);
  }

  async load(signal) {
    this.showZeroed();
    const { model, pixels, prediction } = this.state;
    const active = this.zeroed.size > 0 && prediction !== null;
    for (const id of ['change', 'export-ablation']) byId(id).hidden = !active;
    byId('change-hint').hidden = active;
    if (!active) return;
    const url = withQuery('/predict', { model: model.name, zero: [...this.zeroed] });
    const answer = (await postPicture(url, imageFile(pixels, model.input_shape), signal)).predictions[0];
    this.showChange(answer);
    const json = () => new Blob([JSON.stringify(answer, null, 1)], { type: 'application/json' });
    showExportBar(byId('export-ablation'), `curl -F file=@picture.png '${location.origin}${url}'`, [['json', json]], 'without');
  }

  showZeroed() {
    const chips = [...this.zeroed].map((name) => {
      const [layer, index] = name.split(':');
      const chip = make('button', { type: 'button', value: name, className: 'chip' }, `${layer} ${index} ×`);
      chip.setAttribute('aria-label', translate('putBack', { layer, index }));
      return chip;
    });
    if (chips.length > 1) chips.push(make('button', { type: 'button', value: '', className: 'plain' }, translate('putAllBack')));
    byId('zeroed').replaceChildren(...chips);
  }

  showChange({ label, probabilities, change }) {
    const unchanged = label === this.state.prediction.label;
    byId('change-verdict').textContent = translate(unchanged ? 'stillSays' : 'nowSays', { label: translateLabel(label), share: percent(probabilities[label]) });
    const largest = Math.max(...Object.values(change).map(Math.abs), LEAST_FULL_BAR);
    const rows = mostChanged(this.state.model.labels, change).map((name) => {
      const bar = make('i', { className: change[name] < 0 ? 'less' : 'more' });
      bar.style.transform = `scaleX(${Math.abs(change[name]) / largest})`;
      const row = make(
        'tr', {},
        make('th', { scope: 'row' }, translateLabel(name)), make('td', {}, percent(probabilities[name])),
        make('td', { className: 'bar' }, bar), make('td', {}, percentagePoints(change[name])),
      );
      row.classList.toggle('best', name === label);
      return row;
    });
    byId('change').querySelector('tbody').replaceChildren(...rows);
  }
}

// The classes to list: of a model with many, those whose probability changes most.
function mostChanged(labels, change) {
  const probabilities = Object.fromEntries(labels.map((label) => [label, Math.abs(change[label])]));
  return shownLabels(labels, { probabilities });
}

// With their sign.
function percentagePoints(change) {
  const size = Math.abs(100 * change);
  return size === 0 ? '0' : `${change < 0 ? '−' : '+'}${number(size, 2)}`;
}
