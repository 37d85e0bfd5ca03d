// Builds the column of a layer: its name, shape, description and parameter count above its maps.

import { make } from '../common/elements.js';
import { makeLegend } from '../common/legend.js';
import { shownLabels } from '../common/class_labels.js';
import { layerDescription, shapeText } from '../texts/layer_texts.js';
import { translate } from '../texts/texts.js';
import { INPUT_WIDTH, outputWidth } from './column_layout.js';

export function inputColumn(model) {
  const canvas = make('canvas', { className: 'pixel' });
  return { canvas, element: column(make('span', {}, translate('input')), model.input_shape.join('×'), '', '', INPUT_WIDTH, canvas) };
}

export function outputColumn(model) {
  const layer = model.layers.at(-1);
  const items = shownLabels(model.labels).map((label) => make('li', {}, make('i'), make('span', {}, label)));
  const list = make('ol', { className: 'outputs' }, ...items);
  return { layer, list, element: column(layerName(layer), shapeText(layer), layerDescription(model, layer), layer.formula, outputWidth(model.labels), list) };
}

// `layout` is the layer's part of the column layout.
export function mapColumn(model, layout) {
  const { layer, across, shown, count, width, folded } = layout;
  const tiles = Array.from({ length: shown }, (_, index) => {
    const canvas = make('canvas', { className: 'pixel', width: 1, height: 1 });
    const tile = make('button', { type: 'button', className: 'map', tabIndex: -1 }, canvas);
    Object.assign(tile.dataset, { layer: layer.name, index });
    return tile;
  });
  const grid = make('div', { className: 'grid', role: 'group', 'aria-label': translate('mapsOf', { layer: layer.name }) }, ...tiles);
  grid.style.setProperty('--across', across);
  const legend = makeLegend();
  const content = make('div', {}, grid);
  if (shown < count) content.append(make('button', { type: 'button', className: 'more plain', value: layer.name }, translate('allMaps', { count })));
  const texts = [layerDescription(model, layer), layer.formula ?? translate('noParameters')];
  const element = column(layerName(layer), shapeText(layer), ...texts, width, content, legend);
  element.classList.toggle('folded', Boolean(folded));
  return { layer, layout, tiles, legend, element };
}

export function vectorColumn(model, layer, layout) {
  const canvas = make('canvas', { className: 'pixel', role: 'img', width: 1, height: 1 });
  const legend = makeLegend();
  const texts = [layerDescription(model, layer), layer.formula ?? translate('noParameters')];
  const element = column(layerName(layer), shapeText(layer), ...texts, layout.width, canvas, legend);
  return { layer, layout, canvas, legend, element };
}

// A long name may break after each of its dots; that of a layer with maps is a button.
function layerName(layer) {
  const parts = layer.name.split('.').flatMap((part, i, all) => (i < all.length - 1 ? [`${part}.`, make('wbr')] : [part]));
  if (layer.output_shape.length !== 3) return make('span', {}, ...parts);
  const button = make('button', { type: 'button', className: 'name', value: layer.name }, ...parts);
  button.title = translate('openLayer', { layer: layer.name });
  return button;
}

function column(name, shape, description, formula, width, ...content) {
  // A formula may break before each operator.
  const terms = (formula ?? '').split(/(?=[·+=])/).flatMap((part, i) => (i ? [make('wbr'), part] : [part]));
  const head = make(
    'header', {},
    make('h3', {}, name), make('p', { className: 'shape' }, shape),
    make('p', { className: 'description' }, description), make('p', { className: 'formula' }, ...terms),
  );
  head.title = [description, formula].filter(Boolean).join('\n');
  const element = make('section', { className: 'column' }, head, ...content);
  element.style.setProperty('--wide', `${width}px`);
  return element;
}
