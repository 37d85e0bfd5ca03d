// Returns the page's texts in the chosen language, and sets those of elements with data-text or data-label.

import en from './en.js';
import ko from './ko.js';

const languages = { en, ko };
let chosen = 'en';

export function language() {
  return chosen;
}

export function setLanguage(wanted) {
  chosen = wanted in languages ? wanted : 'en';
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = translate(element.dataset.text);
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', translate(element.dataset.label));
}

// Replaces {name} in the text of `key` by `values[name]`.
export function translate(key, values = {}) {
  const text = languages[chosen][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder);
}

export function translateLabel(label) {
  return languages[chosen].labels?.[label] ?? label;
}

// The problem in the chosen language, followed by the service's own English sentence.
export function translateProblem({ title, message }) {
  const text = languages[chosen].problems?.[title];
  if (!text) return [message];
  const original = document.createElement('small');
  Object.assign(original, { lang: 'en', textContent: message });
  return [`${text} `, original];
}

// The service describes its preparation steps in English.
export function translateStep(sentence) {
  for (const [pattern, text] of languages[chosen].steps ?? []) {
    if (pattern.test(sentence)) return sentence.replace(pattern, text);
  }
  return sentence;
}
