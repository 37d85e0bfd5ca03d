// Maps that are set to zero become the change of every probability.

import { address, postPicture } from '../common/api.js';
import { find, make, number, percent } from '../common/elements.js';
import { shownLabels } from '../common/layers.js';
import { blobOf } from '../common/pixels.js';
import { showSame } from '../common/use_this.js';
import { labelled, say } from '../texts/texts.js';

export class Ablation {
  constructor(state, changed, complain) {
    Object.assign(this, { state, changed, complain, zero: new Set(), control: null });
    find('zeroed').addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button?.value === '') this.set([]);
      else if (button) this.toggle(button.value);
    });
  }

  toggle(name) {
    const zero = new Set(this.zero);
    if (!zero.delete(name)) zero.add(name);
    this.set(zero);
  }

  set(names) {
    this.zero = new Set(names);
    this.changed(this.zero);
    this.refresh();
  }

  // After a new picture or another choice.
  refresh() {
    this.control?.abort();
    this.control = new AbortController();
    return this.look(this.control.signal).catch(this.complain);
  }

  async look(signal) {
    this.list();
    const { model, pixels, prediction } = this.state;
    const on = this.zero.size > 0 && prediction !== null;
    for (const id of ['change', 'same-change']) find(id).hidden = !on;
    find('change-hint').hidden = on;
    if (!on) return;
    const url = address('/predict', { model: model.name, zero: [...this.zero] });
    const answer = (await postPicture(url, blobOf(pixels, model.input_shape), signal)).predictions[0];
    this.show(answer);
    const json = () => new Blob([JSON.stringify(answer, null, 1)], { type: 'application/json' });
    showSame(find('same-change'), `curl -F file=@picture.png '${location.origin}${url}'`, [['json', json]], 'without');
  }

  list() {
    const chips = [...this.zero].map((name) => {
      const [layer, index] = name.split(':');
      const chip = make('button', { type: 'button', value: name, className: 'chip' }, `${layer} ${index} ×`);
      chip.setAttribute('aria-label', say('putBack', { layer, index }));
      return chip;
    });
    if (chips.length > 1) chips.push(make('button', { type: 'button', value: '', className: 'plain' }, say('putAllBack')));
    find('zeroed').replaceChildren(...chips);
  }

  show({ label, probabilities, change }) {
    const same = label === this.state.prediction.label;
    find('change-verdict').textContent = say(same ? 'stillSays' : 'nowSays', { label: labelled(label), share: percent(probabilities[label]) });
    const most = Math.max(...Object.values(change).map(Math.abs), 0.01); // A point at least fills a bar.
    const rows = mostChanged(this.state.model.labels, change).map((one) => {
      const bar = make('i', { className: change[one] < 0 ? 'less' : 'more' });
      bar.style.transform = `scaleX(${Math.abs(change[one]) / most})`;
      const row = make(
        'tr', {},
        make('th', { scope: 'row' }, labelled(one)), make('td', {}, percent(probabilities[one])),
        make('td', { className: 'bar' }, bar), make('td', {}, points(change[one])),
      );
      row.classList.toggle('best', one === label);
      return row;
    });
    find('change').querySelector('tbody').replaceChildren(...rows);
  }
}

// All classes of a model with few; of one with many those that changed most.
function mostChanged(labels, change) {
  const probabilities = Object.fromEntries(labels.map((label) => [label, Math.abs(change[label])]));
  return shownLabels(labels, { probabilities });
}

// Percentage points with their sign.
function points(change) {
  const size = Math.abs(100 * change);
  return size === 0 ? '0' : `${change < 0 ? '−' : '+'}${number(size, 2)}`;
}
