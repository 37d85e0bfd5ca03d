// Shows below a view how to get the same data elsewhere: a curl command, a link and downloads.

import { translate } from '../texts/texts.js';
import { make } from './elements.js';
import { registerLink } from './permalink.js';

// A download is [format or file name, URL], or [..., () => Blob] for data that only a POST returns.
export function showExportBar(root, command, downloads, name = '') {
  const shortened = command.replace(/(image=[\w-]{12})[\w-]+/, '$1…');
  const copy = make('button', { type: 'button', className: 'plain' }, translate('copy'));
  copy.setAttribute('aria-label', translate('copyCurl'));
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(command);
    copy.textContent = translate('copied');
  });
  const code = make('code', { title: command, tabIndex: 0 }, shortened);
  code.setAttribute('aria-label', translate('curlCommand'));
  const link = registerLink(make('a', {}, translate('link')), root.closest('section')?.id);
  root.replaceChildren(code, copy, link, ...downloads.map(([format, source]) => downloadLink(format, source, name)));
}

function downloadLink(format, source, name) {
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
