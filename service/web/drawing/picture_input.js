// The picture to classify: what is drawn, or a file, a sample or the picture of a link.

import { imageFile } from '../api/image_file.js';
import { decodeImageToken } from '../api/npy.js';
import { byId } from '../common/elements.js';
import { paintPixels } from '../common/paint.js';
import { Drawing } from './drawing.js';
import { showPenColours } from './pen_colours.js';
import { listenForPictures } from './picture_sources.js';
import { fetchSample, showSamples } from './samples.js';

const DRAWING_SIZE = { digit: 140, photo: 280 }; // pixels of the drawing as it is sent to the service

export class PictureInput {
  // `onChange()` is called for every new picture and every change of the drawing.
  constructor(onChange, onError) {
    Object.assign(this, { onChange, file: null, preparation: null });
    this.drawing = new Drawing(byId('draw'), byId('pen'), () => {
      this.file = null;
      onChange();
    });
    byId('undo').addEventListener('click', () => this.drawing.undo());
    byId('clear').addEventListener('click', () => this.drawing.clear());
    byId('samples').addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) this.useSample(button.value).catch(onError);
    });
    listenForPictures((blob) => this.use(blob));
  }

  // Offers what suits a model: its samples, and the pen for its kind of picture.
  offer(preparation, sampleNames) {
    this.preparation = preparation;
    showSamples(preparation, sampleNames);
    showPenColours(preparation, this.drawing);
  }

  get empty() {
    return this.file === null && this.drawing.empty;
  }

  async toBlob() {
    return this.file ?? this.drawing.toPng(DRAWING_SIZE[this.preparation]);
  }

  async use(blob, preview = createImageBitmap(blob)) {
    // The browser cannot preview every type that the service reads.
    this.drawing.show(await Promise.resolve(preview).catch(() => null));
    this.file = blob;
    this.onChange();
  }

  async useSample(name) {
    await this.use(await fetchSample(this.preparation, name));
  }

  // The input that a model with this input shape received before.
  async useImageToken(token, shape) {
    const pixels = await decodeImageToken(token);
    const canvas = document.createElement('canvas');
    paintPixels(canvas, pixels, shape);
    await this.use(imageFile(pixels, shape), canvas);
  }
}
