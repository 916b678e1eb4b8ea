import { malformed, maxParts, type Outline, truncated } from './outline.ts';

/** Walks a WebP's RIFF chunks to their end (RFC 9649, 2) and counts its frames. INVALID_MEDIA when the file is shorter than it says. */
export function webpOutline(bytes: Buffer): Outline {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP') throw malformed('no RIFF of WebP');
  const end = 8 + bytes.readUInt32LE(4);
  if (end > bytes.length) throw truncated();
  let size: Size | undefined;
  let [frames, hasExif] = [0, false];
  // A last chunk of odd size is padded by a byte, which some writers leave out; fewer bytes than a chunk header are no chunk.
  for (let at = 12, parts = 0; at + 8 <= end; parts++) {
    if (parts === maxParts) throw malformed('too many chunks');
    const type = bytes.toString('latin1', at, at + 4);
    const chunkBytes = bytes.readUInt32LE(at + 4);
    if (at + 8 + chunkBytes > end) throw truncated();
    size ??= readSize(type, bytes, at + 8);
    if (type === 'ANMF') frames += 1;
    if (type === 'EXIF') hasExif = true;
    at += 8 + chunkBytes + (chunkBytes % 2);
  }
  if (size === undefined) throw malformed('a WebP without a picture');
  // A canvas and, of an animation, the frame that is drawn onto it.
  const canvases = frames > 1 ? 2 : 1;
  return { ...size, frames: Math.max(1, frames), sizeIsTentative: hasExif, decodedPixels: size.width * size.height * canvases };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function readSize(type: string, bytes: Buffer, at: number): Size | undefined {
  switch (type) {
    case 'VP8X':
      return { width: bytes.readUIntLE(at + 4, 3) + 1, height: bytes.readUIntLE(at + 7, 3) + 1 };
    case 'VP8 ':
      return { width: bytes.readUInt16LE(at + 6) & 0x3fff, height: bytes.readUInt16LE(at + 8) & 0x3fff };
    case 'VP8L': {
      const bits = bytes.readUInt32LE(at + 1);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    default:
      return undefined;
  }
}
