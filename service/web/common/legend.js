// A scale becomes a small bar with its two ends in numbers.

import { make, number } from './elements.js';
import { paintLegend } from './paint.js';

export function makeLegend() {
  return make('div', { className: 'legend' }, make('span'), make('canvas'), make('span'));
}

// A bar stands for a scale that several pictures share; `scope` 'map' has none.
export function showLegend(legend, scale, scope) {
  paintLegend(legend.children[1], scale);
  legend.children[0].textContent = number(scale.low, 3);
  legend.children[2].textContent = number(scale.high, 3);
  legend.classList.toggle('off', scope === 'map');
}
