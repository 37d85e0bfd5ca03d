// Shows the chosen model's test accuracy and size in the header.

import { byId } from '../common/elements.js';
import { language, translate, translateStep } from '../texts/texts.js';

export function showModelSummary({ name, metrics, parameters }) {
  byId('model').value = name;
  const accuracy = `${(100 * metrics.accuracy).toFixed(2)} %`;
  const values = { accuracy, images: metrics.images.toLocaleString(language()), parameters: parameters.toLocaleString(language()) };
  byId('accuracy').textContent = translate('accuracy', values) + (metrics.remark ? ` · ${translateStep(metrics.remark)}` : '');
}
