// Light or dark: what the system prefers until the button says otherwise.

import { say } from '../texts/texts.js';

export function startTheme(button) {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const kept = localStorage.getItem('theme');
  const dark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const name = () => {
    button.dataset.text = dark() ? 'themeLight' : 'themeDark';
    button.textContent = say(button.dataset.text);
  };
  if (kept) root.dataset.theme = kept;
  button.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
    name();
  });
  system.addEventListener('change', name);
  name();
}
