// What one may start from: the shipped samples, and the colours of the pen.

import { choice, find, make } from '../common/elements.js';
import { labelled, say } from '../texts/texts.js';

const COLOURS = ['#1b1b1f', '#c8372d', '#e8a33d', '#4f8a3c', '#3f7fbf', '#8a5a36', '#9a9a9a', '#ffffff'];

export function showSamples(preparation, names) {
  const buttons = names.map((name) => {
    const picture = make('img', { src: `/samples/${preparation}/${name}.png`, alt: '', width: 44, height: 44 });
    const button = make('button', { type: 'button', className: 'sample', value: name }, picture);
    button.setAttribute('aria-label', say('sample', { name: labelled(name) }));
    return button;
  });
  find('samples').replaceChildren(...buttons);
}

export async function sampleBlob(preparation, name) {
  return (await fetch(`/samples/${preparation}/${name}.png`)).blob();
}

// A digit is drawn in one colour and with a thick pen.
export function showInks(preparation, drawing) {
  drawing.width = preparation === 'digit' ? 18 : 14;
  find('inks').hidden = preparation === 'digit';
  drawing.colour = COLOURS[0];
  const buttons = COLOURS.map((colour, i) => {
    const button = make('button', { type: 'button', value: colour });
    button.setAttribute('aria-label', say('inks').split(' ')[i]);
    button.style.setProperty('--colour', colour);
    return button;
  });
  find('inks').replaceChildren(...buttons);
  drawing.inkChosen ??= choice(find('inks'), COLOURS[0], (colour) => (drawing.colour = colour));
  drawing.inkChosen(COLOURS[0]);
}
