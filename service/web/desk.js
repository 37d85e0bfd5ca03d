// A chosen cell becomes its arithmetic, drawn between the input it sees and the map it is in.

export class Desk {
  constructor(state, moved) {
    Object.assign(this, { state, moved, place: {} });
  }
  middle() { return { row: 0, col: 0 }; }
  open(place) { this.place = place; }
  close() { this.place = {}; }
  refresh() {}
}
