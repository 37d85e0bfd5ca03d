// Builds a table of a small matrix, its cells coloured by a scale.

import { make } from './elements.js';
import { fixed } from './numbers.js';
import { cssColour, textColourOn } from './palettes.js';

// `fill(cell, value, row, col)` puts the content into each table cell.
export function matrixTable(values, caption, fill) {
  const rows = values.map((row, r) => make('tr', {}, ...row.map((value, c) => {
    const cell = make('td');
    fill(cell, value, r, c);
    return cell;
  })));
  return make('table', { className: 'matrix' }, make('caption', {}, caption), make('tbody', {}, ...rows));
}

// `isPadding[row][col]` hatches a cell, `isWinner(row, col)` outlines it.
export function numberMatrix(values, scale, caption, { isPadding, isWinner, digits = 2 } = {}) {
  return matrixTable(values, caption, (cell, value, r, c) => {
    Object.assign(cell, { title: String(value), textContent: fixed(value, digits) });
    if (isPadding?.[r]?.[c]) cell.className = 'padding';
    else colourCell(cell, scale, value);
    if (isWinner?.(r, c)) cell.classList.add('winner');
  });
}

export function colourCell(cell, scale, value) {
  cell.style.backgroundColor = cssColour(scale, value);
  cell.style.color = textColourOn(scale, value);
}

// A sign of an equation between two matrices or terms.
export function sign(text) {
  return make('span', { className: 'sign' }, text);
}
