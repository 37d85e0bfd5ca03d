// Keeps what the page shows in the URL's fragment, so that a link restores it.

// Sections whose id was renamed: links made before name the old id in `view`.
const RENAMED_SECTIONS = { look: 'picture', sheet: 'layer', why: 'explanation' };

const links = new Set();
let current = '';

export function readLink() {
  const values = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (values.view in RENAMED_SECTIONS) values.view = RENAMED_SECTIONS[values.view];
  return values;
}

// Whether the fragment, edited or followed, names something other than what is shown.
export function linkChanged() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  wanted.delete('view');
  return wanted.toString() !== current;
}

// Undefined, null and empty values are left out.
export function updateLinks(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  current = new URLSearchParams(given).toString();
  for (const link of links) {
    if (link.isConnected) setHref(link);
    else links.delete(link);
  }
}

// Makes `link` follow what is shown; it scrolls to the section with the id `view`.
export function registerLink(link, view = '') {
  link.dataset.view = view;
  links.add(link);
  setHref(link);
  return link;
}

function setHref(link) {
  link.href = `#${current}${link.dataset.view ? `&view=${link.dataset.view}` : ''}`;
}
