import { malformed, type Outline } from './outline.ts';

/**
 * Walks a GIF's blocks to its trailer (GIF89a, 17 to 27) and counts its frames. INVALID_MEDIA when the trailer is missing.
 * libvips passes over a screen that looks made up; the outline counts the larger of screen and frames.
 */
export function gifOutline(bytes: Buffer): Outline {
  if (!/^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6))) throw malformed('no GIF signature');
  let [width, height, frames] = [bytes.readUInt16LE(6), bytes.readUInt16LE(8), 0];
  for (const { type, content } of gifBlocks(bytes)) {
    if (type !== imageDescriptor) continue;
    frames += 1;
    width = Math.max(width, content.readUInt16LE(1) + content.readUInt16LE(5));
    height = Math.max(height, content.readUInt16LE(3) + content.readUInt16LE(7));
  }
  if (frames === 0) throw malformed('a GIF without a frame');
  // The canvas, and the one to go back to after a frame that is taken away again.
  return { width, height, frames, sizeIsTentative: true, decodedPixels: width * height * 2 };
}

/** An extension or a frame, from the byte that is its type to its last sub-block's end. */
export interface GifBlock {
  readonly type: number;
  readonly content: Buffer;
}

/** The blocks between screen and trailer; returns where the file's end should be. */
export function* gifBlocks(bytes: Buffer): Generator<GifBlock, number> {
  let at = 13 + colourTableBytes(bytes.readUInt8(10));
  for (let type = bytes.readUInt8(at); type !== trailer; type = bytes.readUInt8(at)) {
    const end = afterSubBlocks(bytes, subBlocksOf(bytes, at, type));
    yield { type, content: bytes.subarray(at, end) };
    at = end;
  }
  return at + 1;
}

/** How many bytes stand before an extension's first sub-block. */
export const extensionHeadBytes = 2;
export const extension = 0x21;
const trailer = 0x3b;
const imageDescriptor = 0x2c;

function subBlocksOf(bytes: Buffer, at: number, type: number): number {
  if (type === extension) return at + extensionHeadBytes;
  if (type === imageDescriptor) return at + 11 + colourTableBytes(bytes.readUInt8(at + 9));
  throw malformed(`a GIF block of type ${type}`);
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function afterSubBlocks(bytes: Buffer, from: number): number {
  let at = from;
  for (let size = bytes.readUInt8(at); size !== 0; size = bytes.readUInt8(at)) at += 1 + size;
  return at + 1;
}
