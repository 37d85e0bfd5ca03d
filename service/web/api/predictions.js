// Requests a prediction and the outputs of chosen layers in one request, decoded for the page.

import { decodeImageToken, decodeOutput } from './npy.js';
import { postPicture } from './requests.js';
import { outputName, predictionUrl } from './urls.js';

// Returns the picture's image token, the prediction, the model's uint8 input and, by layer name,
// the layers' outputs as {data, shape}.
export async function requestPrediction(model, layers, options, picture, signal) {
  const answer = await postPicture(predictionUrl(model, layers, options), picture, signal);
  const { maps, ...prediction } = answer.predictions[0];
  const arrays = new Map(layers.map((layer) => [layer.name, decodeOutput(maps[outputName(layer, options)])]));
  return { token: prediction.image, prediction, pixels: await decodeImageToken(prediction.image), arrays };
}
