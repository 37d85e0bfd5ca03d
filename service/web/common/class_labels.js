// Chooses which classes a view lists.

const ALL_UP_TO = 12; // classes
const TOP = 10;

// All classes of a model with few; the most probable classes, best first, of a model with many.
export function shownLabels(labels, prediction) {
  if (labels.length <= ALL_UP_TO) return labels;
  const probability = (label) => prediction?.probabilities[label] ?? 0;
  return [...labels].sort((a, b) => probability(b) - probability(a)).slice(0, TOP);
}
