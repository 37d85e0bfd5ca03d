// Reads the description of a model and its layers that `GET /models` returns.

const POOLING = /pooling$/;

export const isPooling = (layer) => POOLING.test(layer.kind);
export const hasMaps = (layer) => layer.output_shape.length === 3 || isPooling(layer);
export const findLayer = (model, name) => model.layers.find((layer) => layer.name === name);

// The layers that get a column: dropout does nothing when predicting, and the last layer is the answer.
export function shownLayers(model) {
  return model.layers.slice(0, -1).filter((layer) => layer.kind !== 'dropout');
}

// A map that was zero on every test image when the model was exported.
export const isDead = (model, layer, index) => model.statistics[layer.name]?.zeros[index] === 1;
