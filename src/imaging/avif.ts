import { malformed, maxParts, type Outline, truncated } from './outline.ts';

/**
 * Walks an AVIF's boxes, which must fill the file exactly (ISO 14496-12, 4.2), and checks that all its items lie inside the file.
 * The frames of a sequence are counted but not decoded: libvips knows the still picture that comes with it.
 */
export function avifOutline(bytes: Buffer): Outline {
  const boxes = [...children(bytes)];
  const meta = boxes.find(({ type }) => type === 'meta');
  if (boxes[0]?.type !== 'ftyp' || meta === undefined) throw malformed('no ftyp and meta');
  const [width, height] = pictureSize(meta.content.subarray(4));
  for (const { type, content } of children(meta.content.subarray(4)))
    if (type === 'iloc') assertItemsInside(content, bytes.length);
  const frames = Math.max(1, ...boxes.filter(({ type }) => type === 'moov').map(({ content }) => sampleCount(content)));
  // 17 bytes a pixel at the peak: planes, their colour conversion, and a copy.
  return { width, height, frames, sizeIsTentative: true, decodedPixels: width * height * 4 };
}

/**
 * The file under the brand of a still picture: libvips does not look at a file whose first brand is that of a sequence (`avis`), though libheif
 * reads the still picture in it.
 */
export function asStillAvif(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 8, 12) !== 'avis') return bytes;
  const still = Buffer.from(bytes);
  still.write('avif', 8, 'latin1');
  return still;
}

interface Box {
  readonly type: string;
  readonly content: Buffer;
}

function* children(bytes: Buffer): Generator<Box> {
  for (let at = 0, parts = 0; at < bytes.length; parts++) {
    if (parts === maxParts) throw malformed('too many boxes');
    const type = bytes.toString('latin1', at + 4, at + 8);
    let [sizeBytes, headerBytes] = [bytes.readUInt32BE(at), 8];
    if (sizeBytes === 1) [sizeBytes, headerBytes] = [Number(bytes.readBigUInt64BE(at + 8)), 16];
    if (sizeBytes === 0) sizeBytes = bytes.length - at;
    if (sizeBytes < headerBytes) throw malformed(`a box of ${sizeBytes} bytes`);
    if (at + sizeBytes > bytes.length) throw truncated();
    yield { type, content: bytes.subarray(at + headerBytes, at + sizeBytes) };
    at += sizeBytes;
  }
}

/** The largest size any item claims (`ispe`): that of a grid as a whole, or of the picture itself. libheif refuses pixels beyond their claim. */
function pictureSize(meta: Buffer): [width: number, height: number] {
  let largest: [number, number] = [0, 0];
  for (const { content } of descend(meta, ['iprp', 'ipco', 'ispe'])) {
    const [width, height] = [content.readUInt32BE(4), content.readUInt32BE(8)];
    if (width * height > largest[0] * largest[1]) largest = [width, height];
  }
  return largest;
}

function sampleCount(moov: Buffer): number {
  const counts = descend(moov, ['trak', 'mdia', 'minf', 'stbl', 'stsz']).map(({ content }) => content.readUInt32BE(8));
  return Math.max(0, ...counts);
}

function descend(bytes: Buffer, [type, ...rest]: string[]): Box[] {
  const found = [...children(bytes)].filter((box) => box.type === type);
  return rest.length === 0 ? found : found.flatMap(({ content }) => descend(content, rest));
}

/** ISO 14496-12, 8.11.3. */
function assertItemsInside(iloc: Buffer, fileBytes: number): void {
  let at = 6;
  const next = (sizeBytes: number): number => {
    at += sizeBytes;
    if (sizeBytes === 8) return Number(iloc.readBigUInt64BE(at - 8));
    return sizeBytes === 0 ? 0 : iloc.readUIntBE(at - sizeBytes, sizeBytes);
  };
  const version = iloc.readUInt8(0);
  const [offsetBytes, lengthBytes] = [iloc.readUInt8(4) >> 4, iloc.readUInt8(4) & 15];
  const [baseBytes, indexBytes] = [iloc.readUInt8(5) >> 4, version === 0 ? 0 : iloc.readUInt8(5) & 15];
  const wide = version < 2 ? 2 : 4;
  for (let items = next(wide); items > 0; items--) {
    next(wide);
    const isInFile = version === 0 || (next(2) & 15) === 0;
    next(2);
    const base = next(baseBytes);
    for (let extents = next(2); extents > 0; extents--) {
      next(indexBytes);
      const end = base + next(offsetBytes) + next(lengthBytes);
      if (isInFile && end > fileBytes) throw truncated();
    }
  }
}
