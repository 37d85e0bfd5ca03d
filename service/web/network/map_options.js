// How the maps are shown: before or after the activation, on which colour scale, in which order.

import { byId, toggleGroup } from '../common/elements.js';

const DEFAULTS = { stage: 'post', scale: 'layer', sort: 'index' };

export const options = { ...DEFAULTS };

// Sets the options that the link names; calls `onChange(name)` when a button changes one.
export function startOptions(link, onChange) {
  for (const name of Object.keys(options)) {
    options[name] = link[name] ?? options[name];
    toggleGroup(byId(name), options[name], (value) => {
      options[name] = value;
      onChange(name);
    });
  }
}

// The options that a link must name.
export function changedOptions() {
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== DEFAULTS[name]));
}

// The choice between before and after the activation only concerns convolutions with an activation.
export function offerStages(model) {
  byId('stage').hidden = !model.layers.some(({ kind, activation }) => kind === 'convolution' && activation);
}
