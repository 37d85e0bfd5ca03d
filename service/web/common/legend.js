// Draws the legend of a colour scale: a small bar between its lowest and highest number.

import { make } from './elements.js';
import { number } from './numbers.js';
import { paintLegend } from './paint.js';

export function makeLegend() {
  return make('div', { className: 'legend' }, make('span'), make('canvas'), make('span'));
}

// Maps that each have a scale of their own (`scope` 'map') share no legend: it is hidden.
export function showLegend(legend, scale, scope) {
  paintLegend(legend.children[1], scale);
  legend.children[0].textContent = number(scale.low, 3);
  legend.children[2].textContent = number(scale.high, 3);
  legend.classList.toggle('off', scope === 'map');
}
