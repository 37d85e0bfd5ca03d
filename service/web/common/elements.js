// A tag, properties and children become an element; numbers become short words.

export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== 'role') element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function number(value, digits = 4) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(1).replace('-', '−').replace('e-', 'e−');
  return value.toPrecision(digits).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '').replace('-', '−');
}

export function percent(share) {
  if (share > 0 && share < 0.0005) return '< 0.1 %';
  if (share > 0.9995 && share < 1) return '> 99.9 %';
  return `${(100 * share).toFixed(1)} %`;
}

export function signed(value) {
  return value < 0 ? `− ${number(-value)}` : `+ ${number(value)}`;
}

// One button of a group is pressed; `choose` is told its value.
export function choice(group, value, choose) {
  const press = (wanted) => {
    for (const button of group.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.value === wanted));
    }
  };
  group.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    press(button.value);
    choose(button.value);
  });
  press(value);
  return press;
}
