// The cell that is pointed at tells where its number comes from, right beside it.

import { address, getJson } from '../common/api.js';
import { shortStory } from './arithmetic.js';
import { find } from '../common/elements.js';
import { mapsOf } from '../common/layers.js';
import { say } from '../texts/texts.js';

const REST = 60; // milliseconds a pointer stays on a cell before its arithmetic is asked for
const GAP = 14; // CSS pixels between the map and its story

export class Story {
  constructor(state, flow) {
    Object.assign(this, { state, flow, root: find('story'), place: null, tile: null });
  }

  // `place` is {layer, map, row, col} in `tile`, or null when nothing is pointed at.
  tell(place, tile) {
    const same = place && this.place && ['layer', 'map', 'row', 'col'].every((key) => place[key] === this.place[key]);
    if (same && tile === this.tile) return;
    clearTimeout(this.timer);
    this.control?.abort();
    if (!place) return this.end();
    if (tile !== this.tile) {
      this.root.hidden = true;
      this.flow.show(tile);
    }
    Object.assign(this, { place, tile });
    this.timer = setTimeout(() => this.ask(), REST);
  }

  // After a new picture: the same cell with new numbers.
  refresh() {
    if (this.place) this.ask();
  }

  end() {
    Object.assign(this, { place: null, tile: null });
    this.root.hidden = true;
    this.flow.clear();
  }

  async ask() {
    const { model, token } = this.state;
    const { layer: name, map, row, col } = this.place;
    const layer = model.layers.find((one) => one.name === name);
    if (token === null) return;
    this.control?.abort();
    this.control = new AbortController();
    const { signal } = this.control;
    const url = address(`/layers/${name}/${mapsOf(layer)}/${map}/cells/${row}/${col}`, { model: model.name, image: token });
    try {
      const answer = await getJson(url, signal);
      if (signal.aborted) return;
      this.flow.weigh(answer, layer);
      this.root.replaceChildren(...shortStory(answer, layer, this.state, say('readoutPlace', { layer: name, index: map, row, col })));
      this.root.hidden = false;
      this.stand();
    } catch {
      this.root.hidden = true; // A cell without arithmetic of its own has no story.
    }
  }

  // Right of the layer where there is room, else below or above the map: never over what feeds it.
  stand() {
    const tile = this.tile.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const beside = this.tile.parentElement.getBoundingClientRect().right + GAP;
    const most = document.documentElement.clientWidth - width - GAP;
    const low = tile.bottom + GAP + height < innerHeight ? tile.bottom + GAP : tile.top - GAP - height;
    const top = beside <= most ? Math.min(tile.top - height / 3, innerHeight - height - GAP) : low;
    const left = Math.min(beside, most);
    Object.assign(this.root.style, { left: `${Math.max(GAP, left)}px`, top: `${Math.max(GAP, top)}px` });
  }
}
