// Packs the model's input pixels (uint8, height × width × channels) into an image file.

// Binary PGM or PPM is lossless and has no alpha: exactly these pixels reach the model again.
export function imageFile(pixels, [height, width, channels]) {
  const header = `P${channels === 1 ? 5 : 6} ${width} ${height} 255\n`;
  return new Blob([header, pixels], { type: 'image/x-portable-anymap' });
}
