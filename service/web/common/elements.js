// Finds and creates DOM elements.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== 'role') element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Makes a group of buttons exclusive; calls `choose` with the value of the button that is clicked.
export function toggleGroup(group, value, choose) {
  const press = (pressed) => {
    for (const button of group.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.value === pressed));
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
