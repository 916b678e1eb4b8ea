import { crc32 } from 'node:zlib';
import { avifItems } from '../avif.ts';
import { extension, extensionHeadBytes, gifBlocks } from '../gif.ts';
import { endOfImage, nextMarker } from '../jpeg.ts';
import { maxParts } from '../outline.ts';

/** A piece of a file that may tell a place: EXIF, XMP, IPTC, or something nobody can look into. A view, so that a change is one of the file. */
export interface Block {
  readonly kind: 'exif' | 'xmp' | 'iptc' | 'opaque';
  readonly content: Buffer;
}

/** The metadata of an image. Go on to the next block only when one is done with: checksums are mended after it. */
export const metadataOf: Readonly<Record<string, (bytes: Buffer) => Iterable<Block>>> = {
  'image/jpeg': jpegBlocks,
  'image/png': pngBlocks,
  'image/webp': webpBlocks,
  'image/avif': avifBlocks,
  'image/gif': gifXmpBlocks,
};

/** How metadata is announced in JPEG's application segments. Extended XMP is cut into pieces anywhere, and so cannot be looked through. */
const announcements: readonly { readonly marker: number; readonly name: string; readonly kind: Block['kind'] | 'photoshop' }[] = [
  { marker: 0xe1, name: 'Exif\0\0', kind: 'exif' },
  { marker: 0xe1, name: 'http://ns.adobe.com/xap/1.0/\0', kind: 'xmp' },
  { marker: 0xe1, name: 'http://ns.adobe.com/xmp/extension/\0', kind: 'opaque' },
  { marker: 0xed, name: 'Photoshop 3.0\0', kind: 'photoshop' },
];

function* jpegBlocks(bytes: Buffer): Generator<Block> {
  let end = yield* pictureBlocks(bytes, 0);
  // Phones append further pictures, with EXIF of their own, and videos, which have positions too.
  for (let next = bytes.indexOf('ffd8ff', end, 'hex'); next !== -1; next = bytes.indexOf('ffd8ff', end, 'hex')) {
    if (next > end) yield { kind: 'opaque', content: bytes.subarray(end, next) };
    try {
      end = yield* pictureBlocks(bytes, next);
    } catch {
      // No picture after all.
      end = next;
      break;
    }
  }
  if (end < bytes.length) yield { kind: 'opaque', content: bytes.subarray(end) };
}

/** Returns where the picture ends. */
function* pictureBlocks(bytes: Buffer, start: number): Generator<Block, number> {
  for (let at = nextMarker(bytes, start + 2); ; at = nextMarker(bytes, at + bytes.readUInt16BE(at))) {
    const marker = bytes.readUInt8(at - 1);
    if (marker === endOfImage) return at;
    const content = bytes.subarray(at + 2, at + bytes.readUInt16BE(at));
    const found = announcements.find(
      (each) => each.marker === marker && content.toString('latin1', 0, each.name.length) === each.name,
    );
    if (found === undefined) continue;
    const announced = content.subarray(found.name.length);
    if (found.kind === 'photoshop') yield* photoshopBlocks(announced);
    else yield { kind: found.kind, content: announced };
  }
}

const resources: Readonly<Record<number, Block['kind']>> = { 1028: 'iptc', 1058: 'exif', 1059: 'opaque', 1060: 'xmp' };

/** Photoshop's image resources: `8BIM`, an id, a name and the data, each padded to even length. */
function* photoshopBlocks(content: Buffer): Generator<Block> {
  for (let at = 0; at + 12 <= content.length && content.toString('latin1', at, at + 4) === '8BIM'; ) {
    const kind = resources[content.readUInt16BE(at + 4)];
    const nameBytes = content.readUInt8(at + 6) + 1;
    const sizeAt = at + 6 + nameBytes + (nameBytes % 2);
    const sizeBytes = content.readUInt32BE(sizeAt);
    if (kind !== undefined) yield { kind, content: content.subarray(sizeAt + 4, sizeAt + 4 + sizeBytes) };
    at = sizeAt + 4 + sizeBytes + (sizeBytes % 2);
  }
}

function* pngBlocks(bytes: Buffer): Generator<Block> {
  for (let at = 8, parts = 0; at + 12 <= bytes.length && parts < maxParts; parts++) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, end - 4);
    const kind = kindOfChunk(type, content);
    if (kind !== undefined) {
      yield { kind, content: kind === 'xmp' ? content.subarray(xmpHead.length) : content };
      // An emptied text is no text any more: a private chunk that everybody passes over (PNG 3rd edition, 5.4) is.
      if (kind === 'opaque') bytes.write('voId', at + 4, 'latin1');
      bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end - 4)), end - 4);
    }
    if (type === 'IEND') {
      if (end < bytes.length) yield { kind: 'opaque', content: bytes.subarray(end) };
      return;
    }
    at = end;
  }
}

/** A keyword, no compression, no language, no translation. */
const xmpHead = 'XML:com.adobe.xmp\0\0\0\0\0';

/** Compressed texts, and profiles written as hexadecimal text, cannot be changed in place. */
function kindOfChunk(type: string, content: Buffer): Block['kind'] | undefined {
  if (type === 'eXIf') return 'exif';
  if (!/^[iz]TXt$|^tEXt$/.test(type)) return undefined;
  if (type === 'iTXt' && content.toString('latin1', 0, xmpHead.length) === xmpHead) return 'xmp';
  const [keyword = ''] = content.toString('latin1', 0, 80).split('\0');
  return /^raw profile type|^xml:com\.adobe\.xmp|gps|serial|location/i.test(keyword) ? 'opaque' : undefined;
}

function* webpBlocks(bytes: Buffer): Generator<Block> {
  const riffEnd = 8 + bytes.readUInt32LE(4);
  for (let at = 12, parts = 0; at + 8 <= riffEnd && parts < maxParts; parts++) {
    const type = bytes.toString('latin1', at, at + 4);
    const sizeBytes = bytes.readUInt32LE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + sizeBytes);
    if (type === 'EXIF') yield { kind: 'exif', content: afterExifHead(content) };
    if (type === 'XMP ') yield { kind: 'xmp', content };
    at += 8 + sizeBytes + (sizeBytes % 2);
  }
  if (riffEnd < bytes.length) yield { kind: 'opaque', content: bytes.subarray(riffEnd) };
}

/** Some writers leave JPEG's announcement in. */
function afterExifHead(content: Buffer): Buffer {
  return content.toString('latin1', 0, 6) === 'Exif\0\0' ? content.subarray(6) : content;
}

/** An item in one piece can be looked through; what is scattered over the file is emptied. */
function* avifBlocks(bytes: Buffer): Generator<Block> {
  for (const { type, parts } of avifItems(bytes)) {
    const kind = { Exif: 'exif', mime: 'xmp' }[type] as 'exif' | 'xmp' | undefined;
    const [first] = parts;
    if (kind === undefined || first === undefined) continue;
    if (parts.length > 1) for (const content of parts) yield { kind: 'opaque', content };
    else if (kind === 'xmp') yield { kind, content: first };
    // ISO 23008-12, A.2.1: four bytes say how far the TIFF is from here.
    else yield { kind, content: first.subarray(4 + first.readUInt32BE(0)) };
  }
}

/** The head of GIF's extension of XMP: an application extension of 11 bytes (XMP specification part 3, 1.1.2). */
const gifXmpHead = Buffer.from('\x21\xff\x0bXMP DataXMP', 'latin1');

/** 1, then 255 down to 0, then the end: wherever one who reads the text as sub-blocks comes out, this leads to its end. So the text may change, if it has no 0. */
const gifXmpTrailer = Buffer.from([1, ...Array.from({ length: 256 }, (_, index) => 255 - index), 0]);

function* gifXmpBlocks(bytes: Buffer): Generator<Block> {
  const blocks = gifBlocks(bytes);
  for (let next = blocks.next(); ; next = blocks.next()) {
    if (next.done) {
      if (next.value < bytes.length) yield { kind: 'opaque', content: bytes.subarray(next.value) };
      return;
    }
    const { type, content } = next.value;
    if (type !== extension || !content.subarray(0, gifXmpHead.length).equals(gifXmpHead)) continue;
    const xmpEnd = content.length - gifXmpTrailer.length;
    if (content.subarray(xmpEnd).equals(gifXmpTrailer))
      yield { kind: 'xmp', content: content.subarray(gifXmpHead.length, xmpEnd) };
    // Cut into sub-blocks after all: a text in pieces cannot be looked through.
    else for (const piece of subBlocks(content)) yield { kind: 'opaque', content: piece };
  }
}

/** The pieces behind the one that names the application. */
function* subBlocks(block: Buffer): Generator<Buffer> {
  const first = extensionHeadBytes + 1 + block.readUInt8(extensionHeadBytes);
  for (let at = first, size = block.readUInt8(at); size !== 0; at += 1 + size, size = block.readUInt8(at))
    yield block.subarray(at + 1, at + 1 + size);
}
