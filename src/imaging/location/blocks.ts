import { crc32 } from 'node:zlib';
import { avifBoxes, avifItems } from '../avif.ts';
import { extension, extensionHeadBytes, gifBlocks } from '../gif.ts';
import { maxParts } from '../outline.ts';
import { type Block, isEmpty, tellingWords } from './block.ts';
import { jpegBlocks } from './jpeg.ts';

/** The metadata of an image. Go on to the next block only when one is done with: checksums are mended after it. */
export const metadataOf: Readonly<Record<string, (bytes: Buffer) => Iterable<Block>>> = {
  'image/jpeg': jpegBlocks,
  'image/png': pngBlocks,
  'image/webp': webpBlocks,
  'image/avif': avifBlocks,
  'image/gif': gifMetadataBlocks,
};

function* pngBlocks(bytes: Buffer): Generator<Block> {
  for (let at = 8, parts = 0; at + 12 <= bytes.length && parts < maxParts; parts++) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, end - 4);
    const kind = kindOfChunk(type, content);
    if (kind !== undefined && !isEmpty(content)) {
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

/** C2PA's manifest (C2PA 2.x, appendix A), and compressed EXIF, once proposed, which exiftool writes. */
const opaqueChunks: ReadonlySet<string> = new Set(['caBX', 'zxIf']);

/** Compressed texts, and profiles written as hexadecimal text, cannot be changed in place. */
function kindOfChunk(type: string, content: Buffer): Block['kind'] | undefined {
  if (type === 'eXIf') return 'exif';
  if (opaqueChunks.has(type)) return 'opaque';
  if (!/^[iz]TXt$|^tEXt$/.test(type)) return undefined;
  if (type === 'iTXt' && content.toString('latin1', 0, xmpHead.length) === xmpHead) return 'xmp';
  const [keyword = ''] = content.toString('latin1', 0, 80).split('\0');
  return /^raw profile type|^xml:com\.adobe\.xmp/i.test(keyword) || tellingWords.test(keyword) ? 'opaque' : undefined;
}

/** The chunks of pixels, animation and colours (RFC 9649, 2). Others are emptied: C2PA's manifest, and what nobody knows. */
const pictureChunks: ReadonlySet<string> = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);

function* webpBlocks(bytes: Buffer): Generator<Block> {
  const riffEnd = 8 + bytes.readUInt32LE(4);
  for (let at = 12, parts = 0; at + 8 <= riffEnd && parts < maxParts; parts++) {
    const type = bytes.toString('latin1', at, at + 4);
    const sizeBytes = bytes.readUInt32LE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + sizeBytes);
    if (type === 'EXIF') yield { kind: 'exif', content: afterExifHead(content) };
    else if (type === 'XMP ') yield { kind: 'xmp', content };
    else if (!pictureChunks.has(type)) yield { kind: 'opaque', content };
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
  yield* foreignBoxes(bytes, pictureBoxes, 'moov');
}

/**
 * The boxes of a picture and of a sequence (ISO 14496-12, 6.2.3). Others may hold XMP or C2PA's manifest (`uuid`; XMP specification part 3; C2PA 2.x,
 * appendix A), a video (`mpvd`), or anything.
 */
const pictureBoxes: ReadonlySet<string> = new Set('ftyp styp meta mdat moov moof mfra sidx free skip'.split(' '));

/** Those of `moov` and `trak`. Beside them, users' data and metadata have the position (`loci` in `udta`, 3GPP TS 26.244). */
const sequenceBoxes: ReadonlySet<string> = new Set('mvhd mvex iods trak tkhd tref trgr edts mdia free skip'.split(' '));

function* foreignBoxes(bytes: Buffer, known: ReadonlySet<string>, inner?: 'moov' | 'trak'): Generator<Block> {
  for (const { type, typeField, content } of avifBoxes(bytes)) {
    if (type === inner) yield* foreignBoxes(content, sequenceBoxes, inner === 'moov' ? 'trak' : undefined);
    if (known.has(type) || isEmpty(content)) continue;
    yield { kind: 'opaque', content };
    // Empty, it is no box of its type any more; free space is passed over by everybody (ISO 14496-12, 8.1.2).
    typeField.write('free', 'latin1');
  }
}

/** The head of GIF's extension of XMP: an application extension of 11 bytes (XMP specification part 3, 1.1.2). */
const gifXmpHead = Buffer.from('\x21\xff\x0bXMP DataXMP', 'latin1');

/** 1, then 255 down to 0, then the end: wherever one who reads the text as sub-blocks comes out, this leads to its end. So the text may change, if it has no 0. */
const gifXmpTrailer = Buffer.from([1, ...Array.from({ length: 256 }, (_, index) => 255 - index), 0]);

function* gifMetadataBlocks(bytes: Buffer): Generator<Block> {
  const blocks = gifBlocks(bytes);
  for (let next = blocks.next(); ; next = blocks.next()) {
    if (next.done) {
      if (next.value < bytes.length) yield { kind: 'opaque', content: bytes.subarray(next.value) };
      return;
    }
    const { type, content } = next.value;
    if (type !== extension) continue;
    if (isOpaqueExtension(content)) for (const piece of subBlocks(content)) yield { kind: 'opaque', content: piece };
    if (!content.subarray(0, gifXmpHead.length).equals(gifXmpHead)) continue;
    const xmpEnd = content.length - gifXmpTrailer.length;
    if (content.subarray(xmpEnd).equals(gifXmpTrailer))
      yield { kind: 'xmp', content: content.subarray(gifXmpHead.length, xmpEnd) };
    // Cut into sub-blocks after all: a text in pieces cannot be looked through.
    else for (const piece of subBlocks(content)) yield { kind: 'opaque', content: piece };
  }
}

/** C2PA's manifest (C2PA 2.x, appendix A), and comments that tell of a place or a device. */
function isOpaqueExtension(block: Buffer): boolean {
  if (block.readUInt8(1) === gifComment) return tellingWords.test(Buffer.concat([...subBlocks(block)]).toString('latin1'));
  return block.toString('latin1', 1, gifC2paHead.length + 1) === gifC2paHead;
}

const gifComment = 0xfe;
const gifC2paHead = '\xff\x0bC2PA_GIF';

/** The pieces of a comment, or those behind the one that names the application. */
function* subBlocks(block: Buffer): Generator<Buffer> {
  const isComment = block.readUInt8(1) === gifComment;
  const first = extensionHeadBytes + (isComment ? 0 : 1 + block.readUInt8(extensionHeadBytes));
  for (let at = first, size = block.readUInt8(at); size !== 0; at += 1 + size, size = block.readUInt8(at))
    yield block.subarray(at + 1, at + 1 + size);
}
