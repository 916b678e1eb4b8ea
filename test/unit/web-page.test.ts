import { describe, expect, test } from '@jest/globals';
import { type Framed, layOut, neighbour } from '../../src/web/gallery/layout.ts';
import { Pace } from '../../src/web/uploads/pace.ts';
import { bytesInWords, clock, counted, period, shareOf, timeLeft } from '../../src/web/words.ts';

const grid = { width: 1000, rowHeight: 200, gap: 10, headingHeight: 40 };

function framed(...ratios: number[]): Framed[] {
  return ratios.map((ratio, index) => ({ id: String(index), ratio, group: 'Today' }));
}

describe('rows of pictures', () => {
  test('fill the width, keep proportions, and come near the height that is wanted', () => {
    const [section] = layOut(framed(1.5, 1.5, 0.75, 1.5, 1, 1.5, 0.7, 1.8, 1.5, 1.5), grid);
    const rows = Map.groupBy(section?.places ?? [], ({ y }) => y);
    expect(rows.size).toBeGreaterThan(1);
    for (const [index, row] of [...rows.values()].entries()) {
      const last = row.at(-1);
      const right = (last?.x ?? 0) + (last?.width ?? 0);
      if (index < rows.size - 1) expect(right).toBeCloseTo(1000, 5);
      expect(right).toBeLessThanOrEqual(1000.001);
      for (const { height } of row) expect(height >= 130 && height <= 300).toBe(true);
    }
    for (const [index, { width, height }] of (section?.places ?? []).entries()) {
      expect(width / height).toBeCloseTo([1.5, 1.5, 0.75, 1.5, 1, 1.5, 0.7, 1.8, 1.5, 1.5][index] ?? 0, 5);
    }
  });

  test('do not stretch one picture that is left, and crop what is all too long', () => {
    const [section] = layOut(framed(12), { ...grid, width: 2000 });
    expect(section?.places).toEqual([{ id: '0', index: 0, x: 0, y: 40, width: 600, height: 200 }]);
  });

  test('stand under their headings, one section below the other', () => {
    const items: Framed[] = [...framed(1.5, 1.5), { id: 'old', ratio: 1, group: 'May' }];
    const [today, may] = layOut(items, grid);
    expect(today).toMatchObject({ title: 'Today', y: 0 });
    expect(may?.y).toBeGreaterThanOrEqual((today?.height ?? 0) + (today?.y ?? 0));
    expect(may?.places).toMatchObject([{ id: 'old', index: 2, y: (may?.y ?? 0) + 40 }]);
  });

  test('lay out ten thousand in no time', () => {
    const before = performance.now();
    layOut(framed(...Array.from({ length: 10_000 }, (_, index) => 0.6 + (index % 13) / 10)), grid);
    expect(performance.now() - before).toBeLessThan(500);
  });

  test('know what is above and below', () => {
    const [section] = layOut(framed(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), grid);
    const places = section?.places ?? [];
    const [first] = places;
    if (first === undefined) throw new Error('There are no places.');
    const below = neighbour(places, first, 1);
    expect(below).toMatchObject({ x: 0, id: '5' });
    expect(below && neighbour(places, below, -1)?.id).toBe('0');
    expect(neighbour(places, first, -1)).toBeUndefined();
  });
});

describe('a pace', () => {
  test('is that of the last seconds', () => {
    const pace = new Pace();
    for (let second = 0; second <= 20; second += 1)
      pace.note(second < 10 ? second * 1000 : 10_000 + (second - 10) * 100, second * 1000);
    expect(pace.bytesPerSecond(20_000)).toBe(100);
  });

  test('falls when nothing more is sent, and begins anew after a break', () => {
    const pace = new Pace();
    pace.note(0, 0);
    pace.note(5000, 1000);
    expect(pace.bytesPerSecond(1000)).toBe(5000);
    expect(pace.bytesPerSecond(5000)).toBe(1000);
    pace.note(100, 6000);
    expect(pace.bytesPerSecond(6000)).toBe(0);
  });
});

describe('words', () => {
  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 KB'],
    [999_950, '1 MB'],
    [3_449_000, '3.4 MB'],
    [123_456_789, '123 MB'],
    [5_368_709_120, '5.4 GB'],
  ])('%d bytes are %s', (bytes, words) => {
    expect(bytesInWords(bytes)).toBe(words);
  });

  test('name the unit once where both numbers have it', () => {
    expect(shareOf(3_100_000, 12_000_000)).toBe('3.1 of 12 MB');
    expect(shareOf(900_000, 12_000_000)).toBe('900 KB of 12 MB');
  });

  test.each([
    [0.4, '1 s left'],
    [8.2, '9 s left'],
    [31, '35 s left'],
    [58, '1 min left'],
    [600, '10 min left'],
    [5400, '1.5 h left'],
    [999_999, 'days left'],
  ])('%d seconds are %s', (seconds, words) => {
    expect(timeLeft(seconds)).toBe(words);
  });

  test('tell lengths and numbers', () => {
    expect([clock(5), clock(125), clock(3725)]).toEqual(['0:05', '2:05', '1:02:05']);
    expect([counted(1, 'item'), counted(1204, 'item')]).toEqual(['1 item', '1,204 items']);
  });

  test('name days that are near, and months that are not', () => {
    const now = new Date(2026, 10, 26, 9);
    const of = (year: number, month: number, day: number): string =>
      period(new Date(year, month, day, 23, 59).toISOString(), now);
    expect([of(2026, 10, 26), of(2026, 10, 25), of(2026, 10, 3), of(2026, 9, 31), of(2025, 10, 20)]).toEqual([
      'Today',
      'Yesterday',
      'Earlier in November',
      'October',
      'November 2025',
    ]);
  });
});
