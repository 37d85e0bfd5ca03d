// Finds extremes and averages of a layer's output: {data, shape}, with shape (height, width, maps).

// The lowest and highest value, the share of zeros and the mean magnitude of one map, or of all of them.
export function statistics({ data, shape }, map = null) {
  const step = map === null ? 1 : shape[2];
  let [low, high, zeros, sum] = [Infinity, -Infinity, 0, 0];
  for (let i = map ?? 0; i < data.length; i += step) {
    const value = data[i];
    if (value < low) low = value;
    if (value > high) high = value;
    if (value === 0) zeros++;
    sum += Math.abs(value);
  }
  const cells = data.length / step;
  return { low, high, zeros: zeros / cells, energy: sum / cells };
}

// The cell of a map with the largest value.
export function strongestCell({ data, shape }, map) {
  let best = 0;
  for (let cell = 0; cell < shape[0] * shape[1]; cell++) {
    if (data[cell * shape[2] + map] > data[best * shape[2] + map]) best = cell;
  }
  return { row: Math.floor(best / shape[1]), col: best % shape[1] };
}

// The index of the map with the largest value.
export function strongestMap(array) {
  const peaks = Array.from({ length: array.shape[2] }, (_, map) => statistics(array, map).high);
  return peaks.indexOf(Math.max(...peaks));
}
