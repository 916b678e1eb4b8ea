import { malformed, type Outline, truncated } from './outline.ts';

/**
 * Walks a JPEG from its first marker to its last (ITU-T T.81, B.1). What follows the end is tolerated: phones append videos and second pictures.
 * INVALID_MEDIA when the end is missing.
 */
export function jpegOutline(bytes: Buffer): Outline {
  if (bytes.readUInt16BE(0) !== startOfImage) throw malformed('no SOI');
  let frame: Frame | undefined;
  let scan: { components: number } | undefined;
  let hasExif = false;
  for (let at = nextMarker(bytes, 2); ; at = nextMarker(bytes, at + bytes.readUInt16BE(at))) {
    const code = bytes.readUInt8(at - 1);
    if (code === endOfImage) break;
    if (at + bytes.readUInt16BE(at) > bytes.length) throw truncated();
    if (isStartOfFrame(code)) {
      if (frame !== undefined) throw malformed('a second SOF');
      frame = readFrame(bytes, at);
    }
    if (code === startOfScan) scan ??= { components: bytes.readUInt8(at + 2) };
    hasExif ||= code === app1 && bytes.toString('latin1', at + 2, at + 6) === 'Exif';
  }
  if (frame === undefined || scan === undefined) throw malformed('no picture before EOI');
  // Where the parts of a pixel come in several scans, the decoder must hold them all until the last.
  const isBuffered = frame.isProgressive || scan.components < frame.components;
  const pixels = frame.width * frame.height;
  return {
    width: frame.width,
    height: frame.height,
    frames: 1,
    sizeIsTentative: hasExif,
    decodedPixels: isBuffered ? pixels : pixels / 64,
  };
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly isProgressive: boolean;
}

const startOfImage = 0xffd8;

/** The marker EOI. */
export const endOfImage = 0xd9;

const startOfScan = 0xda;
const app1 = 0xe1;

/**
 * The place right after the next marker that has a segment, or after EOI. Entropy-coded data is passed on the way: there 0xFF is followed by 0
 * or is a restart marker. Other bytes that belong to nothing are passed too, as every decoder does. INVALID_MEDIA when there is none.
 */
export function nextMarker(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes[at] === 0xff ? at : bytes.indexOf(0xff, at)) {
    // 0xFF may be repeated as filling.
    while (bytes[at] === 0xff) at += 1;
    const code = bytes[at];
    if (code === undefined) break;
    if (code === 0xd8) throw malformed('SOI within the picture');
    const stands = code === 0 || code === 0x01 || (code >= 0xd0 && code <= 0xd7);
    if (!stands) return at + 1;
    // A look at the next few bytes, because a search for each 0xFF in a file made of them would take half a second.
    for (let looks = 8; looks > 0 && bytes[at] !== 0xff; looks--) at += 1;
  }
  throw truncated();
}

function isStartOfFrame(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

function readFrame(bytes: Buffer, at: number): Frame {
  const code = bytes.readUInt8(at - 1);
  return {
    height: bytes.readUInt16BE(at + 3),
    width: bytes.readUInt16BE(at + 5),
    components: bytes.readUInt8(at + 7),
    isProgressive: code % 4 === 2,
  };
}
