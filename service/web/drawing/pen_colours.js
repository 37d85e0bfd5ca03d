// Offers the colours of the pen for photos; a digit is drawn in one colour, with a thicker pen.

import { byId, make, toggleGroup } from '../common/elements.js';
import { translate } from '../texts/texts.js';

// In the order of the names in the text `penColourNames`.
const COLOURS = ['#1b1b1f', '#c8372d', '#e8a33d', '#4f8a3c', '#3f7fbf', '#8a5a36', '#9a9a9a', '#ffffff'];
const WIDTHS = { digit: 18, photo: 14 }; // pixels of the drawing

let press = null;

export function showPenColours(preparation, drawing) {
  drawing.width = WIDTHS[preparation];
  drawing.colour = COLOURS[0];
  const group = byId('pen-colours');
  group.hidden = preparation === 'digit';
  const buttons = COLOURS.map((colour, i) => {
    const button = make('button', { type: 'button', value: colour });
    button.setAttribute('aria-label', translate('penColourNames').split(' ')[i]);
    button.style.setProperty('--colour', colour);
    return button;
  });
  group.replaceChildren(...buttons);
  press ??= toggleGroup(group, COLOURS[0], (colour) => (drawing.colour = colour));
  press(COLOURS[0]);
}
