import { malformed, maxParts, type Outline, truncated } from './outline.ts';

/**
 * Walks a PNG's chunks to IEND (PNG 3rd edition, 5.3). INVALID_MEDIA when it is missing: libvips does not notice. Checksums are left to the decoder.
 * The frames of an animated PNG beyond the first are counted but not decoded: libvips knows the first only.
 */
export function pngOutline(bytes: Buffer): Outline {
  if (!bytes.subarray(0, 8).equals(signature)) throw malformed('no PNG signature');
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') throw malformed('no IHDR');
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const isInterlaced = bytes.readUInt8(28) !== 0;
  let [declaredFrames, frames, hasData, hasExif] = [1, 0, false, false];
  for (let at = 8, parts = 0; ; parts++) {
    if (parts === maxParts) throw malformed('too many chunks');
    const type = bytes.toString('latin1', at + 4, at + 8);
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw truncated();
    if (type === 'IEND') break;
    if (type === 'acTL' && !hasData) declaredFrames = bytes.readUInt32BE(at + 8);
    if (type === 'fcTL') frames += 1;
    if (type === 'IDAT') hasData = true;
    if (type === 'eXIf') hasExif = true;
    at = end;
  }
  if (!hasData) throw malformed('no IDAT');
  return {
    width,
    height,
    frames: Math.max(1, declaredFrames, declaredFrames > 1 ? frames : 1),
    sizeIsTentative: hasExif,
    // Rows flow through one by one, unless they come interlaced.
    decodedPixels: isInterlaced ? width * height * 2 : width * 512,
  };
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
