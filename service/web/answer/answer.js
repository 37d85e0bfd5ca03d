// A prediction becomes ten bars that are also a table, and the steps that made the input.

import { find, make, percent } from '../common/elements.js';
import { shownLabels } from '../common/layers.js';
import { labelled, say, step } from '../texts/texts.js';

export function showBars(every, prediction) {
  const labels = shownLabels(every, prediction);
  find('bars-rest').hidden = labels.length === every.length;
  find('bars-rest').textContent = say('mostProbable', { shown: labels.length, count: every.length });
  const body = find('bars').tBodies[0];
  if (body.rows.length !== labels.length) body.replaceChildren(...labels.map(row));
  labels.forEach((label, i) => {
    const share = prediction?.probabilities[label];
    const one = body.rows[i];
    one.cells[0].textContent = labelled(label);
    one.classList.toggle('best', prediction !== null && label === prediction.label);
    one.querySelector('i').style.transform = `scaleX(${share ?? 0})`;
    one.querySelector('span').textContent = share === undefined ? '–' : percent(share);
  });
  find('verdict').textContent = prediction ? labelled(prediction.label) : '';
  find('confidence').textContent = prediction ? percent(prediction.confidence) : say('empty');
}

function row() {
  const cell = make('td', {}, make('b', {}, make('i')), make('span'));
  return make('tr', {}, make('th', { scope: 'row' }), cell);
}

// Words where the model can tell that a picture is unlike those it was trained on.
export function showFamiliarity(prediction) {
  const unfamiliar = prediction?.unfamiliar ?? 0;
  find('unfamiliar').hidden = unfamiliar < 0.5;
  find('unfamiliar').textContent = say(unfamiliar < 0.9 ? 'unfamiliar' : 'veryUnfamiliar');
  find('unfamiliar').title = unfamiliar.toFixed(3);
}

export function showSteps(prediction) {
  const sentences = prediction?.prepared ?? [];
  find('steps').replaceChildren(...sentences.map((one) => make('li', {}, step(one))));
}
