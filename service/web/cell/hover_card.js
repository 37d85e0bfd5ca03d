// Shows the arithmetic of the cell under the pointer on a card beside its map.

import { findLayer } from '../api/manifest.js';
import { getJson } from '../api/requests.js';
import { cellUrl } from '../api/urls.js';
import { byId } from '../common/elements.js';
import { translate } from '../texts/texts.js';
import { summary } from './arithmetic.js';

const DELAY = 60; // ms that the pointer stays on a cell before its arithmetic is requested
const GAP = 14; // CSS pixels between the map and the card

export class HoverCard {
  // `connections` draws the lines that lead to the map.
  constructor(state, connections) {
    Object.assign(this, { state, connections, root: byId('hover-card'), cell: null, tile: null });
  }

  // `cell` is {layer, map, row, col}, drawn in the button `tile`; null when nothing is pointed at.
  show(cell, tile) {
    const unchanged = cell && this.cell && ['layer', 'map', 'row', 'col'].every((key) => cell[key] === this.cell[key]);
    if (unchanged && tile === this.tile) return;
    clearTimeout(this.timer);
    this.control?.abort();
    if (!cell) return this.hide();
    if (tile !== this.tile) {
      this.root.hidden = true;
      this.connections.show(tile);
    }
    Object.assign(this, { cell, tile });
    this.timer = setTimeout(() => this.load(), DELAY);
  }

  // Called after a new picture: the same cell with new numbers.
  refresh() {
    if (this.cell) this.load();
  }

  hide() {
    Object.assign(this, { cell: null, tile: null });
    this.root.hidden = true;
    this.connections.clear();
  }

  async load() {
    const { state, cell: { layer: name, map, row, col } } = this;
    const layer = findLayer(state.model, name);
    if (state.token === null) return;
    this.control?.abort();
    this.control = new AbortController();
    const { signal } = this.control;
    try {
      const account = await getJson(cellUrl(state, layer, this.cell), signal);
      if (signal.aborted) return;
      this.connections.showContributions(account, layer);
      this.root.replaceChildren(...summary(account, layer, state, translate('readoutCell', { layer: name, index: map, row, col })));
      this.root.hidden = false;
      this.place();
    } catch {
      this.root.hidden = true; // The service explains no cells of this kind of layer.
    }
  }

  // Beside the layer if there is room, else below or above the map: never over the maps it reads.
  place() {
    const tile = this.tile.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const beside = this.tile.parentElement.getBoundingClientRect().right + GAP;
    const rightmost = document.documentElement.clientWidth - width - GAP;
    const belowOrAbove = tile.bottom + GAP + height < innerHeight ? tile.bottom + GAP : tile.top - GAP - height;
    const top = beside <= rightmost ? Math.min(tile.top - height / 3, innerHeight - height - GAP) : belowOrAbove;
    const left = Math.min(beside, rightmost);
    Object.assign(this.root.style, { left: `${Math.max(GAP, left)}px`, top: `${Math.max(GAP, top)}px` });
  }
}
