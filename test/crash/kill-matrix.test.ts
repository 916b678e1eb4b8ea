import { expect, test } from '@jest/globals';
import { drawMatrix, isConsistent } from './matrix.ts';
import { walk } from './walk.ts';
import { directWaysFor, waysFor } from './ways.ts';

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

test.each([
  ['disk', 'Direct uploads to a disk', [['announce', 'take back'], ['receive', 'finish'], ['complete']]],
  ['bucket', 'Direct uploads to a bucket', [['announce', 'take back'], ['complete']]],
] as const)(
  'killed at any step of a direct upload to a %s, the product is consistent after one sweep',
  async (driver, title, groups) => {
    const ways = await directWaysFor(driver);
    const kills = (await Promise.all(ways.map((way) => walk(driver, way)))).flat();
    process.stdout.write(`\n${drawMatrix(title, groups, kills)}\n`);
    expect(kills.filter((kill) => !isConsistent(kill))).toEqual([]);
    for (const { name } of ways) expect(kills.filter(({ way }) => way === name).length).toBeGreaterThan(3);
  },
);
