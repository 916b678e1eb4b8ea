import { malformed, maxParts, type Outline, truncated } from './outline.ts';

/**
 * Walks an AVIF's boxes, which must fill the file exactly (ISO 14496-12, 4.2), and checks that all its items lie inside the file.
 * The frames of a sequence are counted but not decoded: libvips knows the still picture that comes with it.
 */
export function avifOutline(bytes: Buffer): Outline {
  const boxes = [...avifBoxes(bytes)];
  const meta = boxes.find(({ type }) => type === 'meta');
  if (boxes[0]?.type !== 'ftyp' || meta === undefined) throw malformed('no ftyp and meta');
  const [width, height] = pictureSize(meta.content.subarray(4));
  for (const { type, content } of avifBoxes(meta.content.subarray(4)))
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

/** An item of an AVIF beside its pictures' pixels, by its four-letter type, in the pieces in which it lies in the file. */
export interface AvifItem {
  readonly type: string;
  readonly parts: readonly Buffer[];
}

/** The items of an AVIF (ISO 14496-12, 8.11). Those that lie outside the file have no parts. */
export function avifItems(bytes: Buffer): AvifItem[] {
  const meta = [...avifBoxes(bytes)].find(({ type }) => type === 'meta')?.content.subarray(4) ?? Buffer.alloc(0);
  const [info] = descend(meta, ['iinf']);
  const [locations] = descend(meta, ['iloc']);
  if (info === undefined || locations === undefined) return [];
  const data = descend(meta, ['idat'])[0]?.content ?? Buffer.alloc(0);
  const types = new Map(itemTypes(info.content));
  return readLocations(locations.content).map(({ id, method, extents }) => {
    const whole = [bytes, data][method];
    const parts = whole === undefined ? [] : extents.map(([start, end]) => whole.subarray(start, end));
    return { type: types.get(id) ?? '', parts };
  });
}

/** Ids and types of `iinf` (8.11.6): its entries are boxes behind their count. */
function* itemTypes(iinf: Buffer): Generator<[id: number, type: string]> {
  for (const { content } of avifBoxes(iinf.subarray(iinf.readUInt8(0) === 0 ? 6 : 8))) {
    const isWide = content.readUInt8(0) === 3;
    const id = isWide ? content.readUInt32BE(4) : content.readUInt16BE(4);
    yield [id, content.toString('latin1', isWide ? 10 : 8, isWide ? 14 : 12)];
  }
}

export interface AvifBox {
  readonly type: string;
  /** Where the type stands in the file, to be written over. */
  readonly typeField: Buffer;
  readonly content: Buffer;
}

/** The boxes of which a file, or a box's content, is made. */
export function* avifBoxes(bytes: Buffer): Generator<AvifBox> {
  for (let at = 0, parts = 0; at < bytes.length; parts++) {
    if (parts === maxParts) throw malformed('too many boxes');
    const typeField = bytes.subarray(at + 4, at + 8);
    let [sizeBytes, headerBytes] = [bytes.readUInt32BE(at), 8];
    if (sizeBytes === 1) [sizeBytes, headerBytes] = [Number(bytes.readBigUInt64BE(at + 8)), 16];
    if (sizeBytes === 0) sizeBytes = bytes.length - at;
    if (sizeBytes < headerBytes) throw malformed(`a box of ${sizeBytes} bytes`);
    if (at + sizeBytes > bytes.length) throw truncated();
    yield { type: typeField.toString('latin1'), typeField, content: bytes.subarray(at + headerBytes, at + sizeBytes) };
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

function descend(bytes: Buffer, [type, ...rest]: string[]): AvifBox[] {
  const found = [...avifBoxes(bytes)].filter((box) => box.type === type);
  return rest.length === 0 ? found : found.flatMap(({ content }) => descend(content, rest));
}

function assertItemsInside(iloc: Buffer, fileBytes: number): void {
  for (const { method, extents } of readLocations(iloc)) {
    if (method === 0 && extents.some(([, end]) => end > fileBytes)) throw truncated();
  }
}

interface ItemLocation {
  readonly id: number;
  /** 0: places in the file; 1: in `idat`; 2: in another item. */
  readonly method: number;
  readonly extents: readonly (readonly [start: number, end: number])[];
}

/** ISO 14496-12, 8.11.3. */
function readLocations(iloc: Buffer): ItemLocation[] {
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
  const locations: ItemLocation[] = [];
  for (let items = next(wide); items > 0; items--) {
    const id = next(wide);
    const method = version === 0 ? 0 : next(2) & 15;
    next(2);
    const base = next(baseBytes);
    const extents: [number, number][] = [];
    for (let count = next(2); count > 0; count--) {
      next(indexBytes);
      const start = base + next(offsetBytes);
      extents.push([start, start + next(lengthBytes)]);
    }
    locations.push({ id, method, extents });
  }
  return locations;
}
