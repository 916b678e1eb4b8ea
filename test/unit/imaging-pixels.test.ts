import { describe, expect, test } from '@jest/globals';
import { KeptPixels } from '../../src/imaging/kept-pixels.ts';
import { Pixels } from '../../src/imaging/pixels.ts';

/** Grey pixels in a row, in memory of their own. */
const row = (width: number): Pixels => new Pixels(Buffer.alloc(width), { width, height: 1, channels: 1 });
const isFreed = ({ data }: Pixels): boolean => data.length === 0;

test('pixels are freed when the last of those who hold them lets go', () => {
  const pixels = row(10_000);
  pixels.hold();
  pixels.letGo();
  expect(isFreed(pixels)).toBe(false);
  pixels.letGo();
  expect(isFreed(pixels)).toBe(true);
});

describe('what is kept of the last decodes', () => {
  /** Keeps pixels as a decode does, which then lets go of them. */
  const keep = (kept: KeptPixels, id: string, pixels: Pixels): Pixels => {
    kept.keep(id, pixels);
    pixels.letGo();
    return pixels;
  };

  test('is freed when its room is needed, the oldest first', () => {
    const kept = new KeptPixels({ budgetBytes: 40_000, keepSeconds: 60 });
    const all = Array.from({ length: 6 }, (_, index) => keep(kept, `image ${index}`, row(10_000)));
    expect(all.map(isFreed)).toEqual([true, true, false, false, false, false]);
    expect(kept.get('image 1')).toBeUndefined();
    expect(kept.get('image 5')).toBe(all[5]);
  });

  test('is freed when its time is over', async () => {
    const pixels = keep(new KeptPixels({ budgetBytes: 40_000, keepSeconds: 0.01 }), 'image', row(10_000));
    expect(isFreed(pixels)).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isFreed(pixels)).toBe(true);
  });

  test('is not freed under whoever works with it, but right after', () => {
    const kept = new KeptPixels({ budgetBytes: 40_000, keepSeconds: 60 });
    const pixels = keep(kept, 'image', row(10_000));
    const inUse = kept.get('image');
    keep(kept, 'image', row(9_000));
    expect(isFreed(pixels)).toBe(false);
    inUse?.letGo();
    expect(isFreed(pixels)).toBe(true);
  });

  test('does not count what is too large for it, which is freed with its last user', () => {
    const kept = new KeptPixels({ budgetBytes: 40_000, keepSeconds: 60 });
    expect(isFreed(keep(kept, 'image', row(10_001)))).toBe(true);
    expect(kept.get('image')).toBeUndefined();
  });
});
