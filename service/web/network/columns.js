// One layer becomes one column of the network: its name, shape and formula above its numbers.

import { make } from '../common/elements.js';
import { describe, shapeOf, shownLabels } from '../common/layers.js';
import { makeLegend } from '../common/legend.js';
import { widthOf } from './widths.js';
import { say } from '../texts/texts.js';

export function inputColumn(model) {
  const canvas = make('canvas', { className: 'pixel' });
  return { canvas, element: column(make('span', {}, say('input')), model.input_shape.join('×'), '', '', 84, canvas) };
}

export function outputColumn(model) {
  const layer = model.layers.at(-1);
  const items = shownLabels(model.labels).map((label) => make('li', {}, make('i'), make('span', {}, label)));
  const list = make('ol', { className: 'outputs' }, ...items);
  return { layer, list, element: column(named(layer), shapeOf(layer), describe(model, layer), layer.formula, widthOf(model.labels), list) };
}

export function mapColumn(model, plan) {
  const { layer, across, shown, count, width, folded } = plan;
  const tiles = Array.from({ length: shown }, (_, index) => {
    const canvas = make('canvas', { className: 'pixel', width: 1, height: 1 });
    const tile = make('button', { type: 'button', className: 'map', tabIndex: -1 }, canvas);
    Object.assign(tile.dataset, { layer: layer.name, index });
    return tile;
  });
  const grid = make('div', { className: 'grid', role: 'group', 'aria-label': say('mapsOf', { layer: layer.name }) }, ...tiles);
  grid.style.setProperty('--across', across);
  const legend = makeLegend();
  const content = make('div', {}, grid);
  if (shown < count) content.append(make('button', { type: 'button', className: 'more plain', value: layer.name }, say('allMaps', { count })));
  const words = [describe(model, layer), layer.formula ?? say('noParameters')];
  const element = column(named(layer), shapeOf(layer), ...words, width, content, legend);
  element.classList.toggle('folded', Boolean(folded));
  return { layer, plan, tiles, legend, element };
}

export function vectorColumn(model, layer, plan) {
  const canvas = make('canvas', { className: 'pixel', role: 'img', width: 1, height: 1 });
  const legend = makeLegend();
  const words = [describe(model, layer), layer.formula ?? say('noParameters')];
  const element = column(named(layer), shapeOf(layer), ...words, plan.width, canvas, legend);
  return { layer, plan, canvas, legend, element };
}

// A name with dots may break after each.
function named(layer) {
  const parts = layer.name.split('.').flatMap((part, i, all) => (i < all.length - 1 ? [`${part}.`, make('wbr')] : [part]));
  if (layer.output_shape.length !== 3) return make('span', {}, ...parts);
  const button = make('button', { type: 'button', className: 'name', value: layer.name }, ...parts);
  button.title = say('openLayer', { layer: layer.name });
  return button;
}

function column(name, shape, does, formula, width, ...content) {
  // A formula may break before each sign.
  const terms = (formula ?? '').split(/(?=[·+=])/).flatMap((part, i) => (i ? [make('wbr'), part] : [part]));
  const head = make(
    'header', {},
    make('h3', {}, name), make('p', { className: 'shape' }, shape),
    make('p', { className: 'does' }, does), make('p', { className: 'formula' }, ...terms),
  );
  head.title = [does, formula].filter(Boolean).join('\n');
  const element = make('section', { className: 'column' }, head, ...content);
  element.style.setProperty('--wide', `${width}px`);
  return element;
}
