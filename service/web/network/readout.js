// Shows below the network the cell under the pointer in words, and how to get its layer's maps.

import { findLayer } from '../api/manifest.js';
import { mapsUrl } from '../api/urls.js';
import { byId } from '../common/elements.js';
import { showExportBar } from '../common/export_bar.js';
import { number } from '../common/numbers.js';
import { translate } from '../texts/texts.js';

// `array` is the output of the cell's layer; without a cell (null), a hint is shown.
export function showReadout(cell, array) {
  if (!cell) return (byId('readout').textContent = translate('readoutHint'));
  const value = array.data[(cell.row * array.shape[1] + cell.col) * array.shape[2] + cell.map];
  byId('readout').textContent = translate('readout', { ...cell, index: cell.map, value: number(value, 5) });
}

export function exportMaps(state, layerName, options) {
  const layer = findLayer(state.model, layerName);
  if (!layer || state.token === null) return;
  const downloads = ['png', 'npy', 'json'].map((format) => [format, mapsUrl(state, layer, options, format)]);
  showExportBar(byId('export-maps'), `curl '${location.origin}${downloads[0][1]}' -o ${layerName}.png`, downloads, layerName);
}
