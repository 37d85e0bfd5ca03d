// What is shown ↔ the part of the address behind the #, so that a link brings it back.

const links = new Set();
let current = '';

export function readPlace() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

// Whether the address, changed by hand, means something else than what is shown.
export function leadsElsewhere() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  wanted.delete('view');
  return wanted.toString() !== current;
}

// What is undefined, null or empty is left out.
export function writePlace(place) {
  const given = Object.entries(place).filter(([, value]) => value !== undefined && value !== null && value !== '');
  current = new URLSearchParams(given).toString();
  for (const link of links) {
    if (link.isConnected) renew(link);
    else links.delete(link);
  }
}

// A link that always leads to what is shown, and to the section `view` of it.
export function keepLink(link, view = '') {
  link.dataset.view = view;
  links.add(link);
  renew(link);
  return link;
}

function renew(link) {
  link.href = `#${current}${link.dataset.view ? `&view=${link.dataset.view}` : ''}`;
}
