// Shows the sample pictures of the service to start from.

import { byId, make } from '../common/elements.js';
import { translate, translateLabel } from '../texts/texts.js';

const url = (preparation, name) => `/samples/${preparation}/${name}.png`;

export function showSamples(preparation, names) {
  const buttons = names.map((name) => {
    const picture = make('img', { src: url(preparation, name), alt: '', width: 44, height: 44 });
    const button = make('button', { type: 'button', className: 'sample', value: name }, picture);
    button.setAttribute('aria-label', translate('sample', { name: translateLabel(name) }));
    return button;
  });
  byId('samples').replaceChildren(...buttons);
}

export async function fetchSample(preparation, name) {
  return (await fetch(url(preparation, name))).blob();
}
