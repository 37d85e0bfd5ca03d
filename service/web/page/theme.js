// Switches between light and dark: the system's preference until the button is used.

import { translate } from '../texts/texts.js';

export function startTheme(button) {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const stored = localStorage.getItem('theme');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const updateButton = () => {
    button.dataset.text = isDark() ? 'themeLight' : 'themeDark';
    button.textContent = translate(button.dataset.text);
  };
  if (stored) root.dataset.theme = stored;
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
    updateButton();
  });
  system.addEventListener('change', updateButton);
  updateButton();
}
