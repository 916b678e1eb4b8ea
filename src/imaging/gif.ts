import { malformed, type Outline } from './outline.ts';

/**
 * Walks a GIF's blocks to its trailer (GIF89a, 17 to 27) and counts its frames. INVALID_MEDIA when the trailer is missing.
 * libvips passes over a screen that looks made up; the outline counts the larger of screen and frames.
 */
export function gifOutline(bytes: Buffer): Outline {
  if (!/^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6))) throw malformed('no GIF signature');
  let [width, height, frames] = [bytes.readUInt16LE(6), bytes.readUInt16LE(8), 0];
  let at = 13 + colourTableBytes(bytes.readUInt8(10));
  for (let block = bytes.readUInt8(at); block !== trailer; block = bytes.readUInt8(at)) {
    if (block === extension) {
      at = afterSubBlocks(bytes, at + 2);
    } else if (block === imageDescriptor) {
      frames += 1;
      width = Math.max(width, bytes.readUInt16LE(at + 1) + bytes.readUInt16LE(at + 5));
      height = Math.max(height, bytes.readUInt16LE(at + 3) + bytes.readUInt16LE(at + 7));
      at = afterSubBlocks(bytes, at + 11 + colourTableBytes(bytes.readUInt8(at + 9)));
    } else {
      throw malformed(`a GIF block of type ${block}`);
    }
  }
  if (frames === 0) throw malformed('a GIF without a frame');
  // The canvas, and the one to go back to after a frame that is taken away again.
  return { width, height, frames, sizeIsTentative: true, decodedPixels: width * height * 2 };
}

const trailer = 0x3b;
const extension = 0x21;
const imageDescriptor = 0x2c;

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function afterSubBlocks(bytes: Buffer, from: number): number {
  let at = from;
  for (let size = bytes.readUInt8(at); size !== 0; size = bytes.readUInt8(at)) at += 1 + size;
  return at + 1;
}
