// What the network sees becomes a picture file that says exactly that.

// A plain PGM or PPM, which has no alpha: exactly these pixels reach the network again.
export function blobOf(pixels, [height, width, channels]) {
  const head = `P${channels === 1 ? 5 : 6} ${width} ${height} 255\n`;
  return new Blob([head, pixels], { type: 'image/x-portable-anymap' });
}
