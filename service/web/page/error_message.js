// Shows the page's error message, and repeats what failed when the service says that it may succeed.

import { byId } from '../common/elements.js';
import { translateProblem } from '../texts/texts.js';

let timer = null;

// An aborted request is no error. `retry` is called once after the problem's `retryAfter` seconds.
export function showError(error, retry) {
  if (error.name === 'AbortError') return;
  clearError();
  byId('problem').hidden = false;
  byId('problem').replaceChildren(...translateProblem(error));
  if (error.retryAfter) timer = setTimeout(retry, 1000 * error.retryAfter);
}

export function clearError() {
  clearTimeout(timer);
  byId('problem').hidden = true;
  byId('problem').replaceChildren();
}
