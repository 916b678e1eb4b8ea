import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { v4, v7 } from 'uuid';
import { DiskStorage } from '../../src/storage/disk.ts';
import { idsInOrder } from '../../src/storage/disk-list.ts';

let root: string;
let storage: DiskStorage;
const signal = new AbortController().signal;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mediakeep-list-'));
  storage = await DiskStorage.open({ root });
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

const put = (key: string, text = key): Promise<unknown> =>
  storage.put(key, Readable.from([Buffer.from(text)], { objectMode: false }), {
    contentType: 'image/png',
    filename: 'a.png',
    metadata: {},
    signal,
  });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test.each([1, 2, 3, 7, 50, 51, 100])('all ids come once and in order, whatever fits into memory: %p at once', async (atOnce) => {
  const ids = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? v4() : v7()));
  for (const id of ids) await mkdir(join(root, id.slice(-2), id), { recursive: true });
  expect(await all(idsInOrder(root, signal, atOnce))).toEqual(ids.toSorted());
});

test('a list has whole objects only, and looks at nothing that is none', async () => {
  const id = v7();
  await put(`${id}/original`, 'the bytes');
  await put(`${id}/a-first.webp`, 'others');
  await mkdir(join(root, 'tmp', `${id}~a-draft`));
  await writeFile(join(root, 'tmp', `${id}~a-draft`, 'incoming'), 'half');
  await mkdir(join(root, id.slice(-2), id, 'empty'));
  await writeFile(join(root, id.slice(-2), 'a-file'), '');
  await writeFile(join(root, 'lost+found'), '');
  const listed = await all(storage.list(signal));
  expect(listed.map(({ key, sizeBytes }) => ({ key, sizeBytes }))).toEqual([
    { key: `${id}/a-first.webp`, sizeBytes: 6 },
    { key: `${id}/original`, sizeBytes: 9 },
  ]);
  expect(Math.abs(Date.now() - (listed[0]?.updatedAt.getTime() ?? 0))).toBeLessThan(60_000);
});

test('a volume that is not mounted is no empty storage', async () => {
  await put(`${v7()}/original`);
  await rm(join(root, 'tmp'), { recursive: true });
  await expect(all(storage.list(signal))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
});

test('a list ends with the reason of an abort', async () => {
  await put(`${v7()}/original`);
  const reason = new Error('enough');
  await expect(all(storage.list(AbortSignal.abort(reason)))).rejects.toBe(reason);
});
