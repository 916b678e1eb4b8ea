import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chooseFormat,
  cleanFocus,
  imageFits,
  imageFormats,
  longestSide,
  planRendition,
  plansAhead,
  readRenditionName,
  renditionFilename,
  renditionName,
  renditionSize,
  srcsetWidths,
  widthLadder,
} from '../../src/media/renditions.ts';

const photo = { width: 4000, height: 3000 };
const image = { id: 'an image', ...photo, focus: null };
const size = (request: Parameters<typeof renditionSize>[1], original = photo): string => {
  const { width, height } = renditionSize(original, request);
  return `${width}x${height}`;
};

describe('the size of a rendition', () => {
  test.each([
    ['rounds the width up to the ladder', { width: 100, fit: 'INSIDE' }, '128x96'],
    ['keeps a width that is on it', { width: 640, fit: 'INSIDE' }, '640x480'],
    ['rounds the width that a height alone results in', { height: 90, fit: 'INSIDE' }, '128x96'],
    ['keeps the asked proportions', { width: 100, height: 100, fit: 'COVER' }, '128x128'],
    ['fits into the box on its nearer side', { width: 100, height: 50, fit: 'INSIDE' }, '85x64'],
    ['pads to the box', { width: 100, height: 200, fit: 'CONTAIN' }, '128x256'],
    ['takes a width above 3840 for 3840', { width: 10_000, fit: 'INSIDE' }, '3840x2880'],
    ['takes a height whose width is above 3840 for that', { height: 2950, fit: 'INSIDE' }, '3840x2880'],
    ['without width and height is the original', { fit: 'INSIDE' }, '4000x3000'],
  ] as const)('%s', (_what, request, expected) => {
    expect(size(request)).toBe(expected);
  });

  test.each([
    ['INSIDE', { width: 1000, fit: 'INSIDE' }, '300x200'],
    ['COVER, whose box shrinks until both sides are filled', { width: 640, height: 640, fit: 'COVER' }, '200x200'],
    ['CONTAIN, whose box shrinks until one side is filled', { width: 640, height: 640, fit: 'CONTAIN' }, '300x300'],
  ] as const)('never grows beyond the original: %s', (_what, request, expected) => {
    expect(size(request, { width: 300, height: 200 })).toBe(expected);
  });

  test('stays what every format can hold', () => {
    expect(size({ fit: 'INSIDE' }, { width: 20_000, height: 10 })).toBe('16383x8');
    expect(size({ width: 1, height: 2_000_000_000, fit: 'CONTAIN' })).toBe('1x16383');
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('of %d pixels is BAD_USER_INPUT', (side) => {
    for (const request of [{ width: side }, { height: side }]) {
      expect(() => planRendition(image, request)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
    }
  });

  const side = fc.integer({ min: 1, max: 30_000 });
  const asked = fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { nil: undefined });
  const anyRequest = fc.record({ width: asked, height: asked, fit: fc.constantFrom(...imageFits) });

  test('is a whole number from 1, within the original for INSIDE and COVER, and of its proportions for INSIDE', () => {
    fc.assert(
      fc.property(side, side, anyRequest, (width, height, request) => {
        const made = renditionSize({ width, height }, request);
        for (const pixels of [made.width, made.height]) {
          expect(Number.isInteger(pixels) && pixels >= 1 && pixels <= longestSide).toBe(true);
        }
        if (request.fit !== 'CONTAIN') expect(made.width <= width && made.height <= height).toBe(true);
        // Some side of what is padded is the picture's own, or the picture is larger than the box.
        else expect(made.width <= width || made.height <= height).toBe(true);
        if (request.fit === 'INSIDE') {
          // One scale explains both sides, each to the nearest pixel; 1 stands for anything below it too.
          const scales = (pixels: number, of: number) => [pixels === 1 ? 0 : (pixels - 0.5) / of, (pixels + 0.5) / of] as const;
          const [across, down] = [scales(made.width, width), scales(made.height, height)];
          expect(Math.max(across[0], down[0])).toBeLessThanOrEqual(Math.min(across[1], down[1]));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('asked by width alone is a step of the ladder, or the original', () => {
    fc.assert(
      fc.property(side, fc.integer({ min: 1, max: 100_000 }), (width, asking) => {
        const made = renditionSize({ width, height: width }, { width: asking, fit: 'INSIDE' });
        const step = widthLadder.find((each) => each >= Math.min(asking, 3840)) ?? 3840;
        expect(made.width).toBe(Math.min(step, width, longestSide));
      }),
    );
  });

  test('asked again for what it is, is the same', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 64, max: 12_000 }),
        fc.constantFrom(...widthLadder),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        (width, asking, ratio) => {
          const original = { width, height: Math.max(1, Math.round(width * ratio)) };
          const made = renditionSize(original, { width: asking, fit: 'INSIDE' });
          expect(renditionSize(original, { width: made.width, fit: 'INSIDE' })).toEqual(made);
        },
      ),
    );
  });
});

describe('the name of a rendition', () => {
  test('tells all that makes it', () => {
    const focused = { ...image, focus: { x: 0.25, y: 0.75 } };
    expect(renditionName(planRendition(image, { width: 640 }))).toBe('w640-h480-inside.webp');
    expect(renditionName(planRendition(image, { width: 100, height: 100, fit: 'COVER', format: 'AUTO' }))).toBe(
      'w128-h128-cover.auto',
    );
    expect(renditionName(planRendition(focused, { width: 100, height: 100, fit: 'COVER', format: 'AVIF' }))).toBe(
      'w128-h128-cover-f25x75.avif',
    );
    expect(renditionName(planRendition(focused, { width: 100, height: 100, fit: 'CONTAIN', format: 'PNG' }))).toBe(
      'w128-h128-contain.png',
    );
  });

  test('is the same for every fit that neither crops nor pads', () => {
    const focused = { ...image, focus: { x: 0.25, y: 0.75 } };
    for (const fit of imageFits) expect(renditionName(planRendition(focused, { width: 640, fit }))).toBe('w640-h480-inside.webp');
  });

  test('reads back as the plan it names, and can be a key of the storage', () => {
    const anyPlan = fc.record({
      width: fc.integer({ min: 1, max: 50_000 }),
      height: fc.integer({ min: 1, max: 50_000 }),
      fit: fc.constantFrom(...imageFits),
      format: fc.constantFrom(...imageFormats),
    });
    const percent = fc.integer({ min: 0, max: 100 }).map((each) => each / 100);
    fc.assert(
      fc.property(anyPlan, percent, percent, (request, x, y) => {
        const plan = planRendition({ ...image, focus: { x, y } }, request);
        expect(renditionName(plan)).toMatch(/^[a-z0-9][a-z0-9._-]{0,99}$/);
        expect(readRenditionName(renditionName(plan))).toEqual(plan);
      }),
    );
  });

  test.each([
    'original',
    '',
    'w640-h480-inside',
    'w640-h480-inside.gif',
    'w640-h480-stretch.webp',
    'w0640-h480-inside.webp',
    'w0-h480-inside.webp',
    'w16384-h1-inside.webp',
    'w640-h480-cover-f101x0.webp',
    'w640-h480-cover-f07x0.webp',
    'w640-h480-inside.webp/..',
    'W640-h480-inside.webp',
  ])('is not %s', (name) => {
    expect(readRenditionName(name)).toBeUndefined();
  });
});

describe('AUTO', () => {
  const still = { animated: false, hasAlpha: false };

  test.each([
    ['image/avif,image/webp,*/*;q=0.8', 'AVIF'],
    ['image/webp,image/apng,*/*', 'WEBP'],
    ['Image/AVIF ; q=0.5', 'AVIF'],
    ['image/avif;q=0, image/webp', 'WEBP'],
    ['image/avif;q=0.0', 'JPEG'],
    ['image/*, */*', 'JPEG'],
    ['image/avif-sequence', 'JPEG'],
    ['', 'JPEG'],
    [undefined, 'JPEG'],
  ])('for Accept: %s is %s', (accept, expected) => {
    expect(chooseFormat('AUTO', accept, still)).toBe(expected);
  });

  test('is PNG where there is transparency, and WebP where there is movement', () => {
    expect(chooseFormat('AUTO', '*/*', { ...still, hasAlpha: true })).toBe('PNG');
    expect(chooseFormat('AUTO', 'image/avif,image/webp', { ...still, animated: true })).toBe('WEBP');
    expect(chooseFormat('AUTO', 'image/avif', { ...still, animated: true })).toBe('AVIF');
  });

  test('is what was asked where something was asked', () => {
    expect(chooseFormat('PNG', 'image/avif', still)).toBe('PNG');
  });
});

describe('what is said of images for pages', () => {
  test('a rendition is saved under the name of the original, with its own ending', () => {
    expect(renditionFilename('holiday.in.Rome.jpeg', 'WEBP')).toBe('holiday.in.Rome.webp');
    expect(renditionFilename('holiday', 'JPEG')).toBe('holiday.jpg');
    expect(renditionFilename('.png', 'AVIF')).toBe('.png.avif');
  });

  test('a srcset has 1 to 20 widths', () => {
    expect(srcsetWidths(undefined).length).toBeGreaterThan(2);
    expect(srcsetWidths([100, 200])).toEqual([100, 200]);
    for (const widths of [[], Array<number>(21).fill(64)]) {
      expect(() => srcsetWidths(widths)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
    }
  });

  test('a focus lies in the picture, in hundredths', () => {
    expect(cleanFocus({ x: 0.123, y: 1 })).toEqual({ x: 0.12, y: 1 });
    expect(cleanFocus(null)).toBeNull();
    for (const focus of [
      { x: -0.1, y: 0 },
      { x: 0, y: 1.1 },
      { x: Number.NaN, y: 0 },
    ]) {
      expect(() => cleanFocus(focus)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
    }
  });

  test('widths to make ahead are made once each', () => {
    expect(plansAhead(image, [320, 384, 1000]).map(renditionName)).toEqual(['w384-h288-inside.webp', 'w1024-h768-inside.webp']);
  });
});
