// Bytes become numbers: an .npy file, maps in base64, and the pixels that an image token holds.

const KINDS = { '<f4': Float32Array, '|u1': Uint8Array };

export function parseNpy(buffer) {
  const view = new DataView(buffer);
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder('latin1').decode(new Uint8Array(buffer, start, length));
  const kind = /'descr': *'([^']*)'/.exec(header)[1];
  const shape = /'shape': *\(([^)]*)\)/.exec(header)[1].split(',').filter((one) => one.trim()).map(Number);
  return { shape, data: new KINDS[kind](buffer.slice(start + length)) };
}

// A layer's output as `/predict?encoding=base64` writes it; a row of units becomes 1×1 maps.
export function unpack({ shape, values }) {
  return { shape: [1, 1, ...shape].slice(-3), data: new Float32Array(bytesOf(values).buffer) };
}

export async function decodeToken(token) {
  const bytes = bytesOf(token.replaceAll('-', '+').replaceAll('_', '/'));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
