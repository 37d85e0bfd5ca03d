// What is shown ↔ the part of the address behind the #, so that a link brings it back.

const NAMES = ['model', 'image', 'layer', 'map', 'row', 'col', 'lang'];

export function readPlace() {
  const query = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(NAMES.filter((name) => query.has(name)).map((name) => [name, query.get(name)]));
}

export function writePlace(place) {
  const query = new URLSearchParams();
  for (const name of NAMES) if (place[name] !== undefined && place[name] !== null) query.set(name, place[name]);
  document.getElementById('permalink').href = `#${query}`;
}
