import { endOfImage, nextMarker } from '../jpeg.ts';
import { malformed, maxParts } from '../outline.ts';
import { type Block, tellingWords } from './block.ts';

/** What becomes of a segment: a block of metadata, one of the pieces of Photoshop's resources, or nothing, because it is part of the picture. */
type Fate = Block['kind'] | 'photoshop' | 'kept';

/**
 * How JPEG's application segments announce what they hold. What is not listed is emptied, because makers keep positions and serial numbers there in formats
 * of their own: FLIR in APP1, DJI in APP3 to APP7, Ricoh (RMETA) in APP5, GoPro in APP6.
 * Extended XMP is cut into pieces anywhere, and so cannot be looked through.
 */
const announcements: readonly { readonly marker: number; readonly head: RegExp; readonly fate: Fate }[] = [
  // Exif 3.0 (4.7.2) wants two zeros behind the name; libvips reads EXIF whatever stands there.
  { marker: 0xe1, head: /^Exif../s, fate: 'exif' },
  { marker: 0xe1, head: /^http:\/\/ns\.adobe\.com\/xap\/1\.0\/\0/, fate: 'xmp' },
  { marker: 0xe1, head: /^http:\/\/ns\.adobe\.com\/xmp\/extension\/\0/, fate: 'opaque' },
  { marker: 0xed, head: /^Photoshop 3\.0\0/, fate: 'photoshop' },
  // What decoders go by: JFIF, Motion JPEG's fields, colour profiles, lists of further pictures (CIPA DC-007), gain maps (ISO 21496-1), SPIFF's and Adobe's
  // colours, Apple's gain curve. And what Photoshop says of its quality.
  { marker: 0xe0, head: /^(?:JFIF|JFXX|AVI1)/, fate: 'kept' },
  { marker: 0xe2, head: /^(?:ICC_PROFILE\0|MPF\0|urn:iso:)/, fate: 'kept' },
  { marker: 0xe8, head: /^SPIFF\0/, fate: 'kept' },
  { marker: 0xea, head: /^AROT\0/, fate: 'kept' },
  // JPEG XT's boxes are part of the picture (ISO 18477-3); JUMBF's (ISO 19566-5), C2PA's manifest among them, are metadata.
  { marker: 0xeb, head: /^(?!.*jumb)/s, fate: 'kept' },
  { marker: 0xec, head: /^Ducky/, fate: 'kept' },
  { marker: 0xed, head: /^Adobe_CM/, fate: 'kept' },
  { marker: 0xee, head: /^Adobe/, fate: 'kept' },
];

const firstApplication = 0xe0;
const lastApplication = 0xef;
const comment = 0xfe;

/** The metadata of a JPEG, of the pictures that follow it, and what else stands behind it. */
export function* jpegBlocks(bytes: Buffer): Generator<Block> {
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
  const photoshop: Buffer[] = [];
  for (let at = nextMarker(bytes, start + 2), parts = 0; ; at = nextMarker(bytes, at + bytes.readUInt16BE(at)), parts++) {
    if (parts === maxParts) throw malformed('too many segments');
    const marker = bytes.readUInt8(at - 1);
    if (marker === endOfImage) {
      yield* joined(photoshop);
      return at;
    }
    const content = bytes.subarray(at + 2, at + bytes.readUInt16BE(at));
    const { fate, headBytes } = fateOf(marker, content);
    if (fate === 'photoshop') photoshop.push(content.subarray(headBytes));
    else if (fate !== 'kept') yield { kind: fate, content: content.subarray(headBytes) };
  }
}

function fateOf(marker: number, content: Buffer): { fate: Fate; headBytes: number } {
  if (marker === comment) return { fate: tellingWords.test(content.toString('latin1')) ? 'opaque' : 'kept', headBytes: 0 };
  if (marker < firstApplication || marker > lastApplication) return { fate: 'kept', headBytes: 0 };
  const text = content.toString('latin1');
  for (const { marker: announcing, head, fate } of announcements) {
    const found = announcing === marker ? head.exec(text) : null;
    if (found !== null) return { fate, headBytes: found[0].length };
  }
  return { fate: 'opaque', headBytes: 0 };
}

/** Photoshop's resources go on in the next segment where one is full: they are looked through in one piece, and put back. */
function* joined(pieces: readonly Buffer[]): Generator<Block> {
  const whole = Buffer.concat(pieces);
  yield* photoshopBlocks(whole);
  let at = 0;
  for (const piece of pieces) at += whole.copy(piece, 0, at);
}

const resources: Readonly<Record<number, Block['kind']>> = { 1028: 'iptc', 1058: 'exif', 1059: 'opaque', 1060: 'xmp' };

/** A signature, an id, the shortest name and the size of no data. */
const leastResourceBytes = 12;

/** Photoshop's image resources: `8BIM`, an id, a name and the data, each padded to even length. Where they stop making sense the rest is opaque. */
function* photoshopBlocks(content: Buffer): Generator<Block> {
  let at = 0;
  while (at + leastResourceBytes <= content.length && content.toString('latin1', at, at + 4) === '8BIM') {
    const kind = resources[content.readUInt16BE(at + 4)];
    const nameBytes = content.readUInt8(at + 6) + 1;
    const dataAt = at + 6 + nameBytes + (nameBytes % 2) + 4;
    if (dataAt > content.length) break;
    const sizeBytes = content.readUInt32BE(dataAt - 4);
    if (dataAt + sizeBytes > content.length) break;
    if (kind !== undefined) yield { kind, content: content.subarray(dataAt, dataAt + sizeBytes) };
    at = dataAt + sizeBytes + (sizeBytes % 2);
  }
  if (at < content.length) yield { kind: 'opaque', content: content.subarray(at) };
}
