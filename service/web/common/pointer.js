// Converts a pointer event over the canvas of a map to the row and column of a cell.

export function cellAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const clamp = (value, count) => Math.min(Math.max(Math.floor(value), 0), count - 1);
  return {
    row: clamp(((event.clientY - box.top) / box.height) * canvas.height, canvas.height),
    col: clamp(((event.clientX - box.left) / box.width) * canvas.width, canvas.width),
  };
}
