import { expect, test } from '@jest/globals';
import { drawMatrix, isConsistent } from './matrix.ts';
import { walk } from './walk.ts';
import { waysFor } from './ways.ts';

test.each([
  ['disk', 'Disk'],
  ['bucket', 'Bucket'],
] as const)(
  'killed at any step of an upload, a deletion or a sweep on a %s, the product is consistent after one sweep',
  async (driver, title) => {
    const ways = await waysFor(driver);
    const kills = (await Promise.all(ways.map((way) => walk(driver, way)))).flat();
    process.stdout.write(`\n${drawMatrix(title, [['image', 'video'], ['delete', 'sweep'], ['rendition']], kills)}\n`);
    expect(kills.filter((kill) => !isConsistent(kill))).toEqual([]);
    for (const { name } of ways) expect(kills.filter(({ way }) => way === name).length).toBeGreaterThan(5);
  },
);
