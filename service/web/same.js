// Under a view: the curl line that gives the same thing, and the downloads.

import { make } from './elements.js';
import { say } from './texts.js';

export function showSame(root, line, downloads, name = '') {
  const short = line.replace(/(image=[\w-]{12})[\w-]+/, '$1…');
  const copy = make('button', { type: 'button', className: 'plain' }, say('copy'));
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(line);
    copy.textContent = say('copied');
  });
  const links = downloads.map(([format, href]) => make('a', { href, download: `${name}.${format}` }, format.includes('.') ? format : `.${format}`));
  const label = make('span', { className: 'label' }, say('same'));
  root.replaceChildren(label, make('code', { title: say('same') }, short), copy, ...links);
}
