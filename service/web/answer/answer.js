// Shows a prediction: the predicted class, a bar for each class, and whether the picture is familiar.

import { imageFile } from '../api/image_file.js';
import { withQuery } from '../api/urls.js';
import { shownLabels } from '../common/class_labels.js';
import { byId, make } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { percent } from '../common/numbers.js';
import { translate, translateLabel } from '../texts/texts.js';

// `unfamiliar` is the service's out-of-distribution score, 0 to 1.
const UNFAMILIAR = 0.5;
const VERY_UNFAMILIAR = 0.9;

// Without a prediction (null), the bars are empty.
export function showAnswer(allLabels, prediction) {
  showBars(allLabels, prediction);
  byId('verdict').textContent = prediction ? translateLabel(prediction.label) : '';
  byId('confidence').textContent = prediction ? percent(prediction.confidence) : translate('nothingDrawn');
  const unfamiliar = prediction?.unfamiliar ?? 0;
  byId('unfamiliar').hidden = unfamiliar < UNFAMILIAR;
  byId('unfamiliar').textContent = translate(unfamiliar < VERY_UNFAMILIAR ? 'unfamiliar' : 'veryUnfamiliar');
  byId('unfamiliar').title = unfamiliar.toFixed(3);
}

function showBars(allLabels, prediction) {
  const labels = shownLabels(allLabels, prediction);
  byId('bars-rest').hidden = labels.length === allLabels.length;
  byId('bars-rest').textContent = translate('mostProbable', { shown: labels.length, count: allLabels.length });
  const body = byId('bars').tBodies[0];
  if (body.rows.length !== labels.length) body.replaceChildren(...labels.map(emptyRow));
  labels.forEach((label, i) => {
    const probability = prediction?.probabilities[label];
    const row = body.rows[i];
    row.cells[0].textContent = translateLabel(label);
    row.classList.toggle('best', prediction !== null && label === prediction.label);
    row.querySelector('i').style.transform = `scaleX(${probability ?? 0})`;
    row.querySelector('span').textContent = probability === undefined ? '–' : percent(probability);
  });
}

function emptyRow() {
  const cell = make('td', {}, make('b', {}, make('i')), make('span'));
  return make('tr', {}, make('th', { scope: 'row' }), cell);
}

export function exportAnswer({ model, prediction, pixels }) {
  const json = () => new Blob([JSON.stringify(prediction, null, 1)], { type: 'application/json' });
  const input = () => new Blob([imageFile(pixels, model.input_shape)]);
  const command = `curl -F file=@picture.png '${location.origin}${withQuery('/predict', { model: model.name })}'`;
  const inputFormat = model.input_shape[2] === 1 ? 'pgm' : 'ppm';
  showExportBar(byId('export-prediction'), command, [['json', json], [`input.${inputFormat}`, input]], 'prediction');
}
