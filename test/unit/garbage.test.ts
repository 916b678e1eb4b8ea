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
  expect(asked.filter((options) => isOf(options, 'minor'))).toHaveLength(2);
});

test('the whole heap is collected when much more lies outside it than after the last time', async () => {
  const { passedBy } = await import('../../src/garbage.ts');
  passedBy(4 * mebibyte);
  passedBy(4 * mebibyte);
  asked = [];
  const held = Buffer.alloc(64 * mebibyte, 1);
  passedBy(4 * mebibyte);
  expect(asked.filter((options) => isOf(options, 'major'))).toHaveLength(1);
  passedBy(4 * mebibyte);
  // What is still held is no garbage: it is not looked for again.
  expect(asked.filter((options) => isOf(options, 'major'))).toHaveLength(1);
  expect(held).toHaveLength(64 * mebibyte);
});

test('without --expose-gc nothing is asked for, and nothing fails', async () => {
  Reflect.deleteProperty(globalThis, 'gc');
  const { passedBy } = await import('../../src/garbage.ts');
  expect(() => passedBy(64 * mebibyte)).not.toThrow();
});

function isOf(options: unknown, type: string): boolean {
  return (options as { type?: string }).type === type;
}
