// A small array becomes a table of coloured numbers.

import { make } from './elements.js';
import { css, inkOn } from './palettes.js';

// `hatched` and `outlined` say of (row, col) whether a cell is padding, or the one that counts.
export function matrix(values, scale, name, { hatched, outlined, digits = 2 } = {}) {
  const rows = values.map((row, r) => make('tr', {}, ...row.map((value, c) => {
    const cell = make('td', { title: String(value) }, fixed(value, digits));
    if (hatched?.[r]?.[c]) cell.className = 'padding';
    else paint(cell, scale, value);
    if (outlined?.(r, c)) cell.classList.add('winner');
    return cell;
  })));
  return make('table', { className: 'matrix' }, make('caption', {}, name), make('tbody', {}, ...rows));
}

function paint(cell, scale, value) {
  cell.style.backgroundColor = css(scale, value);
  cell.style.color = inkOn(scale, value);
}

export function fixed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? '−' : '') + (Number.isInteger(value) ? Math.abs(value) : text);
}
