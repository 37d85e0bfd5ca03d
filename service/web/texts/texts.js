// A key becomes words of the chosen language; elements with data-text or data-label hold keys.

import en from './en.js';
import ko from './ko.js';

const languages = { en, ko };
let chosen = 'en';

export function language() {
  return chosen;
}

export function speak(wanted) {
  chosen = wanted in languages ? wanted : 'en';
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', say(element.dataset.label));
}

// Words with {name} in them are filled from `values`.
export function say(key, values = {}) {
  const words = languages[chosen][key] ?? en[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function labelled(label) {
  return languages[chosen].labels?.[label] ?? label;
}

// What went wrong, in words of the chosen language; the service's own sentence beside them.
export function explain({ title, message }) {
  const words = languages[chosen].problems?.[title];
  if (!words) return [message];
  const original = document.createElement('small');
  Object.assign(original, { lang: 'en', textContent: message });
  return [`${words} `, original];
}

// The service names its steps in English.
export function step(sentence) {
  for (const [pattern, words] of languages[chosen].steps ?? []) {
    if (pattern.test(sentence)) return sentence.replace(pattern, words);
  }
  return sentence;
}
