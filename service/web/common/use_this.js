// Under a view: the curl line that gives the same thing, a link to this view, and the downloads.

import { make } from './elements.js';
import { keepLink } from './permalink.js';
import { say } from '../texts/texts.js';

// A download is [its name, its address], or [its name, () => the Blob] where only a POST gives it.
export function showSame(root, line, downloads, name = '') {
  const short = line.replace(/(image=[\w-]{12})[\w-]+/, '$1…');
  const copy = make('button', { type: 'button', className: 'plain' }, say('copy'));
  copy.setAttribute('aria-label', say('copyCurl'));
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(line);
    copy.textContent = say('copied');
  });
  const code = make('code', { title: line, tabIndex: 0 }, short);
  code.setAttribute('aria-label', say('same'));
  const link = keepLink(make('a', {}, say('link')), root.closest('section')?.id);
  root.replaceChildren(code, copy, link, ...downloads.map(([format, source]) => download(format, source, name)));
}

function download(format, source, name) {
  const text = format.includes('.') ? format : `.${format}`;
  const file = format.includes('.') ? format : `${name}${text}`;
  const link = make('a', { href: typeof source === 'string' ? source : '#', download: file }, text);
  if (typeof source !== 'string') {
    link.addEventListener('click', () => {
      link.href = URL.createObjectURL(source());
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }
  return link;
}
