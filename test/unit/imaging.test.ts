import { beforeAll, describe, expect, test } from '@jest/globals';
import { sharp } from '../../src/imaging/sharp.ts';
import { SharpImageTools, supportedImageTypes } from '../../src/imaging/sharp-image-tools.ts';
import { acceptedTypes, assertAccepted, headBytes } from '../../src/media/policy.ts';
import { sniff } from '../../src/media/sniff.ts';
import { blankGif } from '../support/media/hostile.ts';
import { gif, jpeg, uint32s, webp } from '../support/media/pictures.ts';
import { acceptedImages, refusedFiles, type SampleFile } from '../support/media.ts';

const signal = new AbortController().signal;
const tools = new SharpImageTools();
const inspect = (bytes: Buffer, mimeType: string, maxPixels = 100_000_000) =>
  tools.inspect(bytes, { mimeType, maxPixels, signal });

describe('an image that is accepted', () => {
  let samples: SampleFile[];
  beforeAll(async () => {
    samples = await acceptedImages();
  });

  test('is measured upright, whatever its format', async () => {
    for (const { name, bytes, mimeType, width, height, animated } of samples) {
      expect({ name, ...(await inspect(bytes, mimeType)) }).toMatchObject({ name, width, height, animated });
    }
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('with EXIF orientation %i is measured as it is shown', async (orientation) => {
    const bytes = await jpeg({ width: 40, height: 20, orientation });
    const [width, height] = orientation < 5 ? [40, 20] : [20, 40];
    expect(await inspect(bytes, 'image/jpeg')).toMatchObject({ width, height, animated: false });
  });

  test('passes with as many pixels as the limit, frames counted, and not with one more', async () => {
    for (const { name, bytes, mimeType, width, height, animated } of samples) {
      const frames = !animated ? 1 : name === 'sequence.avif' ? 5 : 3;
      const pixels = width * height * frames;
      expect(await inspect(bytes, mimeType, pixels)).toMatchObject({ width, height });
      await expect(inspect(bytes, mimeType, pixels - 1)).rejects.toMatchObject({
        code: 'INVALID_MEDIA',
        message: expect.stringMatching(new RegExp(`\\b${pixels}\\b.*\\b${pixels - 1}\\b`)),
      });
    }
  });

  test('may have ten thousand frames, when they are small', async () => {
    const bytes = blankGif({ width: 10, height: 10, frames: 10_000 });
    expect(await inspect(bytes, 'image/gif', 1_000_000)).toMatchObject({ width: 10, height: 10, animated: true });
  });

  test('may be a JPEG with something behind its end', async () => {
    const bytes = Buffer.concat([await jpeg({ width: 9, height: 9 }), Buffer.from('a video of the same moment')]);
    expect(await inspect(bytes, 'image/jpeg')).toMatchObject({ width: 9, height: 9 });
  });

  test('may be a JPEG with the harmless oddities of cameras', async () => {
    const picture = await jpeg({ width: 9, height: 9 });
    const [start, rest] = [picture.subarray(0, 2), picture.subarray(2)];
    const strayBytes = Buffer.from([0, 0, 0]);
    const brokenProfile = segment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), Buffer.alloc(40, 9)]));
    const brokenExif = segment(0xe1, Buffer.from('Exif\0\0II*\0\xff\xff\xff\xff', 'latin1'));
    for (const oddity of [strayBytes, brokenProfile, brokenExif]) {
      expect(await inspect(Buffer.concat([start, oddity, rest]), 'image/jpeg')).toMatchObject({ width: 9, height: 9 });
    }
  });
});

describe('an image that is refused', () => {
  test('gets the code that fits, in a sentence without a word of libvips', async () => {
    for (const { name, kind, bytes, why, code } of await refusedFiles()) {
      if (kind !== 'IMAGE') continue;
      const upload = async () => await inspect(bytes, assertAccepted('IMAGE', await sniff(bytes.subarray(0, headBytes))));
      const outcome = bytes.length === 0 ? inspect(bytes, 'image/jpeg') : upload();
      await expect(outcome.then(() => ({ name, why, code: 'accepted' }), failure(name, why))).resolves.toEqual({
        name,
        why,
        code,
        message: expect.stringMatching(/^(?!.*(vips|heif|buffer|offset|lib)).*\.$/i),
      });
    }
  });

  test('is one whose scan was cut off and closed again', async () => {
    const whole = await jpeg({ width: 300, height: 300 });
    const closed = Buffer.concat([whole.subarray(0, whole.length - 200), Buffer.from([0xff, 0xd9])]);
    await expect(inspect(closed, 'image/jpeg')).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
  });

  test('is one whose last frame is damaged', async () => {
    const size = { width: 120, height: 80, frames: 4 };
    for (const [mimeType, bytes] of [
      ['image/gif', await gif(size)],
      ['image/webp', await webp(size)],
    ] as const) {
      expect(await inspect(bytes, mimeType)).toMatchObject({ animated: true });
      const damaged = Buffer.from(bytes);
      damaged.fill(0xff, Math.floor(bytes.length * 0.9), bytes.length - 20);
      await expect(inspect(damaged, mimeType)).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
    }
  });

  test('is an AVIF with more pixels than it claims', async () => {
    const honest = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: 'red' } })
      .avif({ effort: 0 })
      .toBuffer();
    const lying = Buffer.from(honest);
    for (let at = lying.indexOf('ispe'); at !== -1; at = lying.indexOf('ispe', at + 4)) uint32s(10, 10).copy(lying, at + 8);
    expect(await inspect(honest, 'image/avif')).toMatchObject({ width: 2000 });
    await expect(inspect(lying, 'image/avif', 1000)).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
  });
});

describe('libvips', () => {
  test('decodes every accepted type', () => {
    expect(supportedImageTypes()).toEqual(expect.arrayContaining([...acceptedTypes.IMAGE.types]));
  });

  test('reads nothing else, and no file by its name', async () => {
    await jpeg({ width: 9, height: 9 });
    const tiff = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .tiff()
      .toBuffer();
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>');
    for (const bytes of [tiff, svg]) await expect(sharp(bytes).metadata()).rejects.toThrow('unsupported image format');
    await expect(sharp(new URL('../samples/sequence.avif', import.meta.url).pathname).metadata()).rejects.toThrow();
  });
});

function failure(name: string, why: string) {
  return ({ code, message }: { code: string; message: string }) => ({ name, why, code, message });
}

function segment(marker: number, content: Buffer): Buffer {
  const header = Buffer.from([0xff, marker, 0, 0]);
  header.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([header, content]);
}
