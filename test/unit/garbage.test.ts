import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

const mebibyte = 1024 ** 2;
let asked: unknown[] = [];
const ownGc = globalThis.gc;

beforeEach(() => {
  jest.resetModules();
  asked = [];
  globalThis.gc = ((options: unknown) => {
    asked.push(options);
  }) as NonNullable<typeof globalThis.gc>;
});

afterEach(() => {
  if (ownGc === undefined) Reflect.deleteProperty(globalThis, 'gc');
  else globalThis.gc = ownGc;
});

test('the nursery is looked through once for each 4 MiB that have passed, however small their pieces', async () => {
  const { passedBy } = await import('../../src/garbage.ts');
  for (let piece = 0; piece < 128; piece += 1) passedBy(mebibyte / 16);
  expect(asked).toEqual([{ type: 'minor' }, { type: 'minor' }]);
});

test('the whole heap is collected once for each 24 MiB of requests that were broken off', async () => {
  const { brokenOff } = await import('../../src/garbage.ts');
  for (let request = 0; request < 49; request += 1) brokenOff(mebibyte);
  expect(asked).toEqual([{ type: 'major' }, { type: 'major' }]);
});

test('without --expose-gc nothing is asked for, and nothing fails', async () => {
  Reflect.deleteProperty(globalThis, 'gc');
  const { brokenOff, passedBy } = await import('../../src/garbage.ts');
  passedBy(64 * mebibyte);
  brokenOff(64 * mebibyte);
  expect(asked).toEqual([]);
});

test('a buffer that has its memory to itself is freed at once', async () => {
  const { freeAtOnce } = await import('../../src/garbage.ts');
  const bytes = Buffer.alloc(mebibyte, 1);
  freeAtOnce(bytes);
  expect(bytes.length).toBe(0);
});

test('a buffer that shares its memory is left alone', async () => {
  const { freeAtOnce } = await import('../../src/garbage.ts');
  const whole = Buffer.alloc(mebibyte, 1);
  freeAtOnce(whole.subarray(1));
  expect(whole.length).toBe(mebibyte);
  const [small, neighbour] = [Buffer.from('small'), Buffer.from('neighbour')];
  freeAtOnce(small);
  expect(String(neighbour)).toBe('neighbour');
});
