// Decodes the service's binary formats: .npy files, maps in base64, and the pixels in an image token.

const TYPES = { '<f4': Float32Array, '|u1': Uint8Array };

export function parseNpy(buffer) {
  const view = new DataView(buffer);
  const longHeader = view.getUint8(6) > 1; // from format version 2 on
  const start = longHeader ? 12 : 10;
  const length = longHeader ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder('latin1').decode(new Uint8Array(buffer, start, length));
  const dtype = /'descr': *'([^']*)'/.exec(header)[1];
  const shape = /'shape': *\(([^)]*)\)/.exec(header)[1].split(',').filter((size) => size.trim()).map(Number);
  return { shape, data: new TYPES[dtype](buffer.slice(start + length)) };
}

// A layer's output as `/predict?encoding=base64` writes it; a vector of units becomes 1×1 maps.
export function decodeOutput({ shape, values }) {
  return { shape: [1, 1, ...shape].slice(-3), data: new Float32Array(bytesOf(values).buffer) };
}

export async function decodeImageToken(token) {
  const bytes = bytesOf(token.replaceAll('-', '+').replaceAll('_', '/'));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
