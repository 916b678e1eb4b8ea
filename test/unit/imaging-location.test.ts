import { describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { cutLocation } from '../../src/imaging/location/cut.ts';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { gif, jpeg, pngChunk } from '../support/media/pictures.ts';
import { acceptedImages } from '../support/media.ts';

const latitude = '51/1 30/1 3230/100';
const exif = {
  IFD0: { Make: 'SpyCam', Orientation: '6' },
  IFD2: {
    DateTimeOriginal: '2026:01:02 03:04:05',
    BodySerialNumber: 'SN-BODY-1',
    LensSerialNumber: 'SN-LENS-2',
    LensModel: 'Wide 24mm',
  },
  IFD3: { GPSLatitudeRef: 'N', GPSLatitude: latitude, GPSDateStamp: '2026:01:02', GPSAreaInformation: 'the garden' },
};
const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
  xmp:Rating="5" exif:GPSLatitude="51,30.5N" drone-dji:GpsLongtitude='-0.1' aux:SerialNumber="SN-XMP-3" photoshop:City="London">
  <dc:title>Kept title</dc:title><exif:GPSLongitude>0,7.5W</exif:GPSLongitude>
  <Iptc4xmpExt:LocationCreated><rdf:Bag><rdf:li>Baker Street</rdf:li></rdf:Bag></Iptc4xmpExt:LocationCreated></rdf:Description></rdf:RDF></x:xmpmeta>`;

const secrets = [
  'SN-BODY-1',
  'SN-LENS-2',
  'SN-XMP-3',
  'the garden',
  '51,30.5N',
  '-0.1',
  '0,7.5W',
  'London',
  'Baker Street',
  '2026:01:02\0',
];
const kept = ['SpyCam', '2026:01:02 03:04:05', 'Wide 24mm', 'Kept title', 'xmp:Rating="5"'];

const picture = (): Sharp =>
  sharp({ create: { width: 48, height: 32, channels: 3, background: '#369' } })
    .withExif(exif)
    .withXmp(xmp);

const kinds: [string, string, () => Promise<Buffer>][] = [
  ['JPEG', 'image/jpeg', () => picture().jpeg().toBuffer()],
  ['PNG', 'image/png', () => picture().png().toBuffer()],
  ['WebP', 'image/webp', () => picture().webp().toBuffer()],
  ['AVIF', 'image/avif', () => picture().avif({ effort: 0 }).toBuffer()],
  ['GIF', 'image/gif', async () => withGifXmp(await gif({ width: 48, height: 32, frames: 2 }), gifXmp)],
];

/** As the XMP specification (part 3, 1.1.2) and exiftool have it: text as it is, then a row of bytes that leads every reader to its end. */
const gifXmp = Buffer.concat([Buffer.from(xmp), Buffer.from([1, ...Array.from({ length: 256 }, (_, index) => 255 - index)])]);

function withGifXmp(bytes: Buffer, subBlocks: Buffer): Buffer {
  const extension = Buffer.concat([Buffer.from('!\xff\x0bXMP DataXMP', 'latin1'), subBlocks, Buffer.from([0])]);
  return Buffer.concat([bytes.subarray(0, -1), extension, bytes.subarray(-1)]);
}

const holds = (bytes: Buffer, texts: readonly string[]): string[] => texts.filter((text) => bytes.includes(text, 0, 'latin1'));
const pixelsOf = (bytes: Buffer): Promise<Buffer> => sharp(bytes).raw().toBuffer();

describe('cutting the location out of an original', () => {
  test.each(kinds)('of %s takes GPS and serial numbers, and nothing else', async (_name, mimeType, make) => {
    const before = await make();
    // PNG's XMP comes compressed.
    expect(holds(before, secrets).length).toBeGreaterThan(2);
    const after = Buffer.from(before);
    expect(cutLocation(after, mimeType)).toBe(true);
    expect(after.length).toBe(before.length);
    expect(holds(after, secrets)).toEqual([]);
    expect(holds(after, kept)).toEqual(holds(before, kept));
    expect(await pixelsOf(after)).toEqual(await pixelsOf(before));
    const { orientation, exif: left } = await sharp(after).metadata();
    expect(orientation).toBe((await sharp(before).metadata()).orientation);
    // The raw GPS numbers: 51/1 as two little-endian words.
    expect(left?.includes(Buffer.from([51, 0, 0, 0, 1, 0, 0, 0])) ?? false).toBe(false);
    // Cut once, there is nothing left to cut; and it is still a file that is taken.
    expect(cutLocation(after, mimeType)).toBe(false);
    const signal = AbortSignal.timeout(9000);
    await expect(new SharpImageTools().inspect(after, { mimeType, maxPixels: 1e6, signal })).resolves.toBeDefined();
  });

  test('leaves every accepted picture that has none as it is', async () => {
    for (const { name, mimeType, bytes } of await acceptedImages()) {
      const copy = Buffer.from(bytes);
      expect({ name, changed: cutLocation(copy, mimeType), same: copy.equals(bytes) }).toEqual({
        name,
        changed: false,
        same: true,
      });
    }
  });

  test('looks into the pictures behind a JPEG, and empties what is no picture', async () => {
    const photo = await picture().jpeg().toBuffer();
    const video = Buffer.from('ftyp moov udta \u00a9xyz +51.5-000.1/');
    const motion = Buffer.concat([photo, Buffer.alloc(7), photo, video]);
    const after = Buffer.from(motion);
    expect(cutLocation(after, 'image/jpeg')).toBe(true);
    expect(holds(after, [...secrets, '+51.5'])).toEqual([]);
    expect(after.length).toBe(motion.length);
    const second = after.subarray(photo.length + 7, 2 * photo.length + 7);
    expect(await pixelsOf(second)).toEqual(await pixelsOf(photo));
  });

  test('empties the texts of a PNG that cannot be looked into', async () => {
    const [, , make] = kinds[1] ?? [];
    const plain = (await make?.()) ?? Buffer.alloc(0);
    const text = pngChunk('zTXt', Buffer.from('Raw profile type exif\0\0packed'));
    const bytes = Buffer.concat([plain.subarray(0, 33), text, plain.subarray(33)]);
    expect(cutLocation(bytes, 'image/png')).toBe(true);
    expect(bytes.includes('packed')).toBe(false);
    await expect(sharp(bytes, { failOn: 'warning' }).raw().toBuffer()).resolves.toBeDefined();
  });

  test('empties XMP that a GIF holds in pieces', async () => {
    const pieces = ['<x exif:GPSLat', 'itude="51,30.5N"/>'].map((text) =>
      Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]),
    );
    const bytes = withGifXmp(await gif({ width: 48, height: 32 }), Buffer.concat(pieces));
    const after = Buffer.from(bytes);
    expect(cutLocation(after, 'image/gif')).toBe(true);
    expect(holds(after, ['GPSLat', '51,30.5N'])).toEqual([]);
    expect(await pixelsOf(after)).toEqual(await pixelsOf(bytes));
  });

  test.each([0x02bc, 0x83bb, 0x8649])("takes XMP, IPTC and Photoshop's resources that EXIF holds (tag %d)", async (tag) => {
    // One entry of undefined bytes, which lie behind it.
    const secret = Buffer.from('GPS of the garden');
    const tiff = Buffer.alloc(26 + secret.length);
    tiff.write('II*\0', 'latin1');
    for (const [at, value] of [
      [4, 8],
      [14, secret.length],
      [18, 26],
    ] as const)
      tiff.writeUInt32LE(value, at);
    for (const [at, value] of [
      [8, 1],
      [10, tag],
      [12, 7],
    ] as const)
      tiff.writeUInt16LE(value, at);
    secret.copy(tiff, 26);
    const plain = await jpeg({ width: 8, height: 8 });
    const head = Buffer.from([0xff, 0xe1, 0, 2 + 6 + tiff.length]);
    const bytes = Buffer.concat([plain.subarray(0, 2), head, Buffer.from('Exif\0\0'), tiff, plain.subarray(2)]);
    expect(cutLocation(bytes, 'image/jpeg')).toBe(true);
    expect(bytes.includes('garden')).toBe(false);
    expect(await pixelsOf(bytes)).toEqual(await pixelsOf(plain));
  });

  test('empties EXIF whose directories lead nowhere', async () => {
    const photo = await picture().jpeg().toBuffer();
    const at = photo.indexOf('Exif\0\0') + 6;
    photo.writeUInt32LE(0x7fffffff, at + 4);
    expect(cutLocation(photo, 'image/jpeg')).toBe(true);
    expect(holds(photo, ['SN-BODY-1', 'SpyCam'])).toEqual([]);
  });

  test('takes a moment for XMP that is made to take long', async () => {
    const hostile = '<GPS '.repeat(10_000) + 'a'.repeat(10_000) + ' = '.repeat(2_000);
    const photo = await sharp(await jpeg({ width: 8, height: 8 }))
      .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${hostile.slice(0, 60_000).replaceAll('<', '&lt;')}</x:xmpmeta>`)
      .jpeg()
      .toBuffer();
    const started = performance.now();
    cutLocation(photo, 'image/jpeg');
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('refuses files that end too early', async () => {
    for (const [, mimeType, make] of kinds) {
      const whole = await make();
      for (let length = 12; length < whole.length - 1; length += Math.ceil(whole.length / 40)) {
        try {
          cutLocation(Buffer.from(whole.subarray(0, length)), mimeType);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_MEDIA' });
        }
      }
    }
  });
});
