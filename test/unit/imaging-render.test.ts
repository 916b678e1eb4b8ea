import { describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { asStillAvif } from '../../src/imaging/avif.ts';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { headBytes } from '../../src/media/policy.ts';
import type { PicturePlan } from '../../src/media/ports.ts';
import { sniff } from '../../src/media/sniff.ts';
import { avif, gif, jpeg, type Picture, png, webp } from '../support/media/pictures.ts';
import { acceptedImages } from '../support/media.ts';

const tools = new SharpImageTools();
const formats = ['WEBP', 'AVIF', 'JPEG', 'PNG'] as const;
let made = 0;

/** Proves an image as an upload does, then makes pictures of it. */
async function render(bytes: Buffer, plans: readonly PicturePlan[], using = tools): Promise<Buffer[]> {
  const mimeType = (await sniff(bytes.subarray(0, headBytes))) ?? '';
  const signal = AbortSignal.timeout(20_000);
  const { width, height, animated } = await using.inspect(bytes, { mimeType, maxPixels: 1e8, signal });
  const source = {
    id: `image ${made++}`,
    mimeType,
    width,
    height,
    animated,
    maxPixels: 1e8,
    isNew: false,
    read: async () => Buffer.from(bytes),
  };
  const orders = plans.map((plan) => ({ plan, ...Promise.withResolvers<Buffer>() }));
  const take = () => orders.map(({ plan, resolve, reject }) => ({ plan, deliver: resolve, fail: reject }));
  await using.render(source, { largestPixels: 1e6, take, signal });
  return await Promise.all(orders.map(({ promise }) => promise));
}

async function one(bytes: Buffer, plan: PicturePlan): Promise<Buffer> {
  const [picture = Buffer.alloc(0)] = await render(bytes, [plan]);
  return picture;
}

/** Upright sRGB pixels of the first frame on white, as sharp's own defaults make them. */
async function pixelsOf(picture: Sharp, { width, height }: { width: number; height: number }): Promise<Buffer> {
  return await picture
    .autoOrient()
    .resize(width, height, { fit: 'fill' })
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
}

/** What sharp makes of an image with nothing but its defaults. */
async function sharpsOwn(bytes: Buffer, { width, height, format }: PicturePlan): Promise<Buffer> {
  const opened = sharp(asStillAvif(bytes)).autoOrient().resize(width, height, { fit: 'fill' });
  return await (format === 'JPEG' ? opened.flatten({ background: '#fff' }) : opened)
    .toFormat(format === 'JPEG' ? 'jpeg' : (format.toLowerCase() as 'webp'))
    .toBuffer();
}

/** Mean difference of two pictures, in steps of 255. */
function difference(a: Buffer, b: Buffer): number {
  expect(a.length).toBe(b.length);
  let sum = 0;
  for (const [index, value] of a.entries()) sum += Math.abs(value - (b[index] ?? 0));
  return sum / a.length;
}

/** Nothing of EXIF, XMP, ICC or IPTC, neither as a decoder sees it nor anywhere in the bytes. */
async function expectNoMetadata(picture: Buffer): Promise<void> {
  const { exif, xmp, icc, iptc, orientation } = await sharp(picture).metadata();
  expect({ exif, xmp, icc, iptc, orientation }).toEqual({});
  const text = picture.toString('latin1');
  for (const mark of ['Exif\0', 'http://ns.adobe.com', 'GPSL', 'SpyCam', 'eXIf', 'EXIF', 'XMP ', 'ICC_PROFILE', 'iCCP', 'ICCP']) {
    expect({ mark, found: text.includes(mark) }).toEqual({ mark, found: false });
  }
}

const secretExif = {
  IFD0: { Make: 'SpyCam', Model: 'SpyCam 5', Copyright: 'somebody' },
  IFD2: { BodySerialNumber: '123456' },
  IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 3230/100', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 4366/100' },
};

describe('a picture made of an image', () => {
  test.each(formats)(
    'in %s has the size, the orientation and the colours of every accepted kind, and no metadata',
    async (format) => {
      for (const { name, bytes, width, height } of await acceptedImages()) {
        const plan = { width: Math.round(width / 2), height: Math.round(height / 2), fit: 'INSIDE', format } as const;
        const picture = await one(bytes, plan);
        const { width: madeWidth, height: madeHeight, pageHeight = madeHeight } = await sharp(picture, { pages: 1 }).metadata();
        expect({ name, width: madeWidth, height: pageHeight }).toEqual({ name, width: plan.width, height: plan.height });
        const own = difference(await pixelsOf(sharp(picture), plan), await pixelsOf(sharp(await sharpsOwn(bytes, plan)), plan));
        expect({ name, own: own < 9 }).toEqual({ name, own: true });
        await expectNoMetadata(picture);
      }
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'is turned and mirrored as EXIF orientation %d says, whatever the formats',
    async (orientation) => {
      for (const [from, encode] of Object.entries({ jpeg, png, webp, avif, moving: movingWebp })) {
        const size = orientation < 5 ? { width: 64, height: 32 } : { width: 32, height: 64 };
        const stored = await encode({ width: 64, height: 32 });
        const [turned, upright] = [await withOrientation(stored, orientation), await unturned(stored, orientation)];
        expect({ from, tells: turned.includes('SpyCam') }).toEqual({ from, tells: true });
        const pictures = await render(
          turned,
          formats.map((format) => ({ ...size, fit: 'INSIDE', format })),
        );
        for (const [index, format] of formats.entries()) {
          const picture = pictures[index] ?? Buffer.alloc(0);
          await expectNoMetadata(picture);
          // Corners say it all: the gradient is dark at the left and at the top of the picture as it is stored.
          const off = difference(await pixelsOf(sharp(picture), size), await pixelsOf(sharp(upright), size));
          expect({ from, format, off: off < 6 }).toEqual({ from, format, off: true });
        }
      }
    },
  );

  test('of a photo with GPS, serial numbers and XMP has none of them', async () => {
    const photo = await sharp(await jpeg({ width: 64, height: 48 }))
      .withExif(secretExif)
      .withXmp(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>',
      )
      .jpeg()
      .toBuffer();
    expect(photo.toString('latin1')).toContain('SpyCam');
    expect(photo.toString('latin1')).toContain('xmpmeta');
    for (const format of formats) await expectNoMetadata(await one(photo, { width: 64, height: 48, fit: 'INSIDE', format }));
  });

  const wide = (colours: Sharp): Sharp => colours.withIccProfile('p3');
  const orange = () => sharp({ create: { width: 32, height: 32, channels: 3, background: { r: 220, g: 120, b: 40 } } });
  test.each([
    ['CMYK', async () => await orange().toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 95 }).toBuffer()],
    ['Display P3', async () => await wide(orange()).png().toBuffer()],
    ['Display P3 in a JPEG', async () => await wide(orange()).jpeg({ quality: 95 }).toBuffer()],
    ['Display P3 in a WebP', async () => await wide(orange()).webp({ quality: 95 }).toBuffer()],
    ['Display P3 in an AVIF', async () => await wide(orange()).avif({ quality: 90, effort: 0 }).toBuffer()],
    ['16 bits', async () => await orange().toColourspace('rgb16').png().toBuffer()],
    ['16 bits in Display P3', async () => await wide(orange().toColourspace('rgb16')).png().toBuffer()],
    ['grey', async () => await orange().greyscale().png().toBuffer()],
    ['a palette', async () => await orange().png({ palette: true }).toBuffer()],
  ])('of %s is sRGB of 8 bits in the same colours', async (_what, encode) => {
    const bytes = await encode();
    const size = { width: 16, height: 16 };
    for (const format of formats) {
      const picture = await one(bytes, { ...size, fit: 'INSIDE', format });
      const { depth, space } = await sharp(picture).metadata();
      expect({ depth, isRgb: space === 'srgb' || space === 'b-w' }).toEqual({ depth: 'uchar', isRgb: true });
      expect(difference(await pixelsOf(sharp(picture), size), await pixelsOf(sharp(bytes), size))).toBeLessThan(4);
      await expectNoMetadata(picture);
    }
  });

  test.each(['png', 'webp', 'avif', 'gif'] as const)(
    'of a transparent %s keeps that, and lays it on white in JPEG',
    async (from) => {
      const halves = await sharp({ create: { width: 20, height: 20, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0 } } })
        .composite([{ input: { create: { width: 20, height: 10, channels: 4, background: '#00f' } }, gravity: 'north' }])
        .toFormat(from)
        .toBuffer();
      const corner = async (picture: Buffer): Promise<number[]> => [
        ...(await sharp(picture).extract({ left: 0, top: 19, width: 1, height: 1 }).raw().toBuffer()),
      ];
      for (const format of ['WEBP', 'AVIF', 'PNG'] as const) {
        expect((await corner(await one(halves, { width: 20, height: 20, fit: 'INSIDE', format })))[3]).toBe(0);
      }
      const onWhite = await corner(await one(halves, { width: 20, height: 20, fit: 'INSIDE', format: 'JPEG' }));
      expect(onWhite).toHaveLength(3);
      for (const value of onWhite) expect(value).toBeGreaterThan(250);
    },
  );

  test('is padded to the box by CONTAIN: transparent, in JPEG white', async () => {
    const red = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#c00' } })
      .jpeg()
      .toBuffer();
    const plan = { width: 40, height: 40, fit: 'CONTAIN' } as const;
    const at = async (picture: Buffer, top: number): Promise<number[]> => [
      ...(await sharp(picture).extract({ left: 20, top, width: 1, height: 1 }).raw().toBuffer()),
    ];
    for (const format of ['WEBP', 'AVIF', 'PNG'] as const) {
      const picture = await one(red, { ...plan, format });
      expect((await at(picture, 1))[3]).toBe(0);
      expect((await at(picture, 20))[3]).toBe(255);
    }
    const [grey = 0] = await at(await one(red, { ...plan, format: 'JPEG' }), 1);
    expect(grey).toBeGreaterThan(250);
  });

  test('is cropped around its focus by COVER, as near as the edges allow', async () => {
    const stripes = await sharp(
      Buffer.from(Array.from({ length: 100 * 20 * 3 }, (_, index) => (Math.floor(index / 3) % 100) * 2)),
      {
        raw: { width: 100, height: 20, channels: 3 },
      },
    )
      .png()
      .toBuffer();
    const middle = async (x: number): Promise<number> => {
      const picture = await one(stripes, { width: 20, height: 20, fit: 'COVER', focus: { x, y: 0.5 }, format: 'PNG' });
      const [left = 0] = await sharp(picture).extract({ left: 10, top: 10, width: 1, height: 1 }).raw().toBuffer();
      return left;
    };
    expect(await middle(0)).toBe(20);
    expect(await middle(0.3)).toBe(60);
    expect(await middle(0.75)).toBe(150);
    expect(await middle(1)).toBe(180);
  });

  test('is cropped around what draws attention by COVER without a focus', async () => {
    const face = await sharp({ create: { width: 300, height: 100, channels: 3, background: '#777' } })
      .composite([{ input: { create: { width: 40, height: 40, channels: 3, background: '#f22' } }, left: 250, top: 30 }])
      .jpeg()
      .toBuffer();
    const picture = await one(face, { width: 50, height: 50, fit: 'COVER', format: 'PNG' });
    const { channels } = await sharp(picture).stats();
    expect(channels[0]?.max).toBeGreaterThan(200);
  });

  test('stays animated in WebP, and is the first frame elsewhere', async () => {
    for (const moving of [await gif({ width: 48, height: 32, frames: 3 }), await webp({ width: 48, height: 32, frames: 3 })]) {
      for (const plan of [
        { width: 24, height: 16, fit: 'INSIDE' },
        { width: 16, height: 16, fit: 'COVER' },
        { width: 24, height: 24, fit: 'CONTAIN' },
      ] as const) {
        const made = await one(moving, { ...plan, format: 'WEBP' });
        const animation = await sharp(made, { animated: true }).metadata();
        expect(animation).toMatchObject({ pages: 3, width: plan.width, pageHeight: plan.height });
        if (plan.fit === 'INSIDE') await expectSameFrames(made, moving, plan);
        for (const format of ['AVIF', 'JPEG', 'PNG'] as const) {
          const { width, height, pages = 1 } = await sharp(await one(moving, { ...plan, format })).metadata();
          expect({ width, height, pages }).toEqual({ width: plan.width, height: plan.height, pages: 1 });
        }
      }
    }
  });

  test('of an animation that is too large is its first frame', async () => {
    const short = new SharpImageTools({ animationPixels: 40 * 30 * 3 });
    const moving = await gif({ width: 48, height: 36, frames: 3 });
    const pagesOf = async (width: number, height: number): Promise<number> => {
      const [picture] = await render(moving, [{ width, height, fit: 'INSIDE', format: 'WEBP' }], short);
      return (await sharp(picture).metadata()).pages ?? 1;
    };
    expect(await pagesOf(40, 30)).toBe(3);
    expect(await pagesOf(48, 36)).toBe(1);
  });

  test.each(formats)('may be of a single pixel, in %s', async (format) => {
    const { width, height } = await sharp(
      await one(await jpeg({ width: 48, height: 32 }), { width: 1, height: 1, fit: 'INSIDE', format }),
    ).metadata();
    expect({ width, height }).toEqual({ width: 1, height: 1 });
  });

  test('comes with others out of one decode, each as it would be alone', async () => {
    const photo = await jpeg({ width: 1200, height: 800 });
    const plans = (
      [
        [600, 400],
        [300, 200],
        [96, 64],
      ] as const
    ).flatMap(([width, height]) => formats.map((format): PicturePlan => ({ width, height, fit: 'INSIDE', format })));
    const together = await render(photo, plans);
    for (const [index, plan] of plans.entries()) {
      const picture = together[index] ?? Buffer.alloc(0);
      const alone = await one(photo, plan);
      expect(difference(await pixelsOf(sharp(picture), plan), await pixelsOf(sharp(alone), plan))).toBeLessThan(2);
    }
  });

  test('of many sizes of its own is the same where not all of them have room beside the decoded pixels', async () => {
    const photo = await jpeg({ width: 600, height: 400 });
    const plans = Array.from({ length: 12 }, (_, index): PicturePlan => {
      return { width: 60, height: 400 - index, fit: 'COVER', focus: { x: 0.5, y: 0.5 }, format: 'PNG' };
    });
    for (const [index, picture] of (await render(photo, plans)).entries()) {
      const plan = plans[index] ?? { width: 0, height: 0 };
      const alone = await one(photo, plans[index] as PicturePlan);
      expect(difference(await pixelsOf(sharp(picture), plan), await pixelsOf(sharp(alone), plan))).toBeLessThan(2);
    }
  });

  test('that fails leaves those beside it alone', async () => {
    const photo = await jpeg({ width: 48, height: 32 });
    const good = { width: 24, height: 16, fit: 'INSIDE', format: 'PNG' } as const;
    await expect(render(photo, [good, { ...good, width: -1 }])).rejects.toThrow();
    await expect(render(photo, [good])).resolves.toHaveLength(1);
  });
});

describe('room to make pictures', () => {
  test('is shared with uploads: beyond it they are OVERLOADED, with Retry-After', async () => {
    const narrow = new SharpImageTools({ concurrency: 1, queueLength: 1, renditionQueueLength: 1 });
    const photo = await jpeg({ width: 800, height: 600 });
    const plan = { width: 400, height: 300, fit: 'INSIDE', format: 'WEBP' } as const;
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => render(photo, [plan], narrow)),
      ...Array.from({ length: 4 }, () =>
        narrow.inspect(photo, { mimeType: 'image/jpeg', maxPixels: 1e8, signal: AbortSignal.timeout(9000) }),
      ),
    ]);
    const refused = outcomes.filter((each) => each.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(4);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: expect.any(Number) });
  });
});

/** Each frame is that of the original, as sharp alone scales it. */
async function expectSameFrames(made: Buffer, original: Buffer, size: { width: number; height: number }): Promise<void> {
  for (const page of [0, 1, 2]) {
    const [frame, own] = [await pixelsOf(sharp(made, { page }), size), await pixelsOf(sharp(original, { page }), size)];
    const off = difference(frame, own);
    expect({ page, isNear: off < 9 }).toEqual({ page, isNear: true });
  }
}

const movingWebp = (picture: Picture): Promise<Buffer> => webp({ ...picture, frames: 3 });

/** The same pixels, with EXIF (in AVIF also the properties that count there) saying how they are to be turned. */
async function withOrientation(bytes: Buffer, orientation: number): Promise<Buffer> {
  return await sharp(bytes, { animated: true }).withExif(secretExif).withMetadata({ orientation }).toBuffer();
}

/** What a picture stored under an orientation looks like, by sharp's plain turns. */
async function unturned(stored: Buffer, orientation: number): Promise<Buffer> {
  const mirrored = [2, 4, 5, 7].includes(orientation);
  const degrees = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270 }[orientation] ?? 0;
  const first = await sharp(stored).flop(mirrored).png().toBuffer();
  return await sharp(first).rotate(degrees).png().toBuffer();
}
