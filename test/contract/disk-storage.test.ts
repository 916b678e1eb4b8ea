import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DiskStorage } from '../../src/storage/disk.ts';
import { FileSink } from '../../src/storage/disk-streams.ts';
import { bytesOf, stallingAfter, streamOf } from './byte-sources.ts';
import { describeObjectStorage, type OpenedStorage } from './object-storage.ts';
import { openFilesBelow } from './open-files.ts';

describeObjectStorage('DiskStorage', openDisk);

describe('DiskStorage', () => {
  const id = '0199e0a4-52c1-7000-8000-0123456789ab';
  const signal = new AbortController().signal;
  const options = { contentType: 'image/png', filename: 'a.png', metadata: {}, signal };
  let opened: OpenedStorage & { root: string; storage: DiskStorage };
  let root: string;
  let storage: DiskStorage;

  beforeEach(async () => {
    opened = await openDisk();
    ({ root, storage } = opened);
  });
  afterEach(async () => await opened.close());

  test('keeps an object byte for byte in one file, where the last digits of the id and the checksum say', async () => {
    await storage.put(`${id}/original`, streamOf(Buffer.from('123456789')), options);
    expect((await readFile(join(root, id.slice(-2), id, 'original', 'e3069283'))).toString()).toBe('123456789');
  });

  test('lets nobody but its own user look in', async () => {
    await storage.put(`${id}/original`, streamOf(bytesOf(10)), options);
    const asset = join(root, id.slice(-2), id);
    const [file = ''] = await readdir(join(asset, 'original'));
    const folders = [root, join(root, 'tmp'), join(root, id.slice(-2)), asset, join(asset, 'original')];
    for (const folder of folders) expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(asset, 'original', file))).mode & 0o777).toBe(0o600);
  });

  test('objects are there for another process, and after a restart', async () => {
    const key = `${id}/original`;
    const facts = await storage.put(key, streamOf(bytesOf(100)), options);
    const other = await DiskStorage.open({ root });
    expect(await other.stat(key, signal)).toEqual(facts);
  });

  test.each([
    'original',
    id,
    `${id}/`,
    `${id}/..`,
    `${id}/../../etc`,
    `../${id}/original`,
    `/${id}/original`,
    `${id}/a/b`,
    `${id}/a\\b`,
    `${id}/.hidden`,
    `${id}/nul\0`,
    `${id}/line\n`,
    `${id}/Ü`,
    `${id}/${'a'.repeat(101)}`,
    `${id.toUpperCase()}/original`,
    'tmp/original',
  ])('refuses the key %j as a fault of ours', async (key) => {
    const source = streamOf(bytesOf(10));
    await expect(storage.put(key, source, options)).rejects.toThrow('Not a key');
    expect(source.destroyed).toBe(true);
    await expect(storage.read(key, { signal })).rejects.toThrow('Not a key');
    await expect(storage.stat(key, signal)).rejects.toThrow('Not a key');
  });

  test.each([id, `${id}/a/`, '../', './', 'tmp/', `${id}/../`])('refuses the prefix %j as a fault of ours', async (prefix) => {
    await expect(storage.removeAll(prefix, signal)).rejects.toThrow('Not a prefix');
  });

  test('refuses a range that does not lie inside the object, and leaves nothing open', async () => {
    const key = `${id}/original`;
    await storage.put(key, streamOf(bytesOf(10)), options);
    for (const [start, end] of [
      [0, 10],
      [5, 4],
      [-1, 3],
    ] as const) {
      await expect(storage.read(key, { range: { start, end }, signal })).rejects.toThrow('do not lie inside');
    }
    expect(await opened.leftovers()).toEqual([]);
  });

  test('fifty aborted uploads leave no file and no open descriptor', async () => {
    const reason = new Error('Gone');
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const controller = new AbortController();
        const { source, given } = stallingAfter(bytesOf(index * 40_000));
        const putting = storage.put(`${randomUUID()}/original`, source, { ...options, signal: controller.signal });
        const aborted = expect(putting).rejects.toBe(reason);
        await given;
        controller.abort(reason);
        await aborted;
      }),
    );
    expect(await opened.leftovers()).toEqual([]);
  });

  test('an upload that is running while its asset is removed fails and leaves nothing', async () => {
    await storage.put(`${id}/w640`, streamOf(bytesOf(10)), options);
    const { source, given, goOn } = stallingAfter(bytesOf(100_000));
    const putting = expect(storage.put(`${id}/original`, source, options)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await given;
    await storage.removeAll(`${id}/`, signal);
    goOn();
    await putting;
    expect(await storage.stat(`${id}/original`, signal)).toBeUndefined();
    expect(await opened.leftovers()).toEqual([]);
  });

  test('uploads and removals of one asset at the same time never fail the removal, and end with nothing', async () => {
    const putting = Array.from({ length: 40 }, (_, index) => storage.put(`${id}/r${index}`, streamOf(bytesOf(20_000)), options));
    const settled = Promise.allSettled(putting);
    for (let round = 0; round < 10; round += 1) await Promise.all([1, 2].map(() => storage.removeAll(`${id}/`, signal)));
    await settled;
    await storage.removeAll(`${id}/`, signal);
    expect(await opened.leftovers()).toEqual([]);
    expect(await readdir(join(root, id.slice(-2)))).toEqual([]);
  });

  test('a reader goes on to the end although the object is removed meanwhile', async () => {
    await storage.put(`${id}/original`, streamOf(bytesOf(3_000_000)), options);
    const stream = await storage.read(`${id}/original`, { signal });
    await storage.removeAll(`${id}/`, signal);
    expect(Buffer.concat(await stream.toArray()).equals(bytesOf(3_000_000))).toBe(true);
  });

  test('an object that became shorter fails the reader, rather than ending early', async () => {
    await storage.put(`${id}/original`, streamOf(bytesOf(2_000_000)), options);
    const stream = await storage.read(`${id}/original`, { signal });
    const folder = join(root, id.slice(-2), id, 'original');
    const [file = ''] = await readdir(folder);
    await writeFile(join(folder, file), bytesOf(1_000_000));
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  describe('what a crash left in tmp', () => {
    const dayMs = 24 * 60 * 60 * 1000;

    async function leaveDraft(ageMs: number): Promise<string> {
      const draft = join(root, 'tmp', `${randomUUID()}~${randomUUID()}`);
      await mkdir(draft);
      await writeFile(join(draft, 'incoming'), 'half a film');
      const then = new Date(Date.now() - ageMs);
      await utimes(join(draft, 'incoming'), then, then);
      await utimes(draft, then, then);
      return draft;
    }

    test('is swept at the next start when it is older than a day, and kept when it may be a running upload of another process', async () => {
      await leaveDraft(dayMs + 60_000);
      const fresh = await leaveDraft(dayMs - 60_000);
      const slow = await leaveDraft(3 * dayMs);
      await writeFile(join(slow, 'incoming'), 'still written to');
      await DiskStorage.open({ root });
      const left = await readdir(join(root, 'tmp'));
      expect(left.map((name) => join(root, 'tmp', name)).sort()).toEqual([fresh, slow].sort());
    });

    test('is swept at the next start, however fresh, when it was being removed', async () => {
      const draft = await leaveDraft(0);
      await rename(draft, join(root, 'tmp', `gone~${randomUUID()}~${randomUUID()}`));
      await DiskStorage.open({ root });
      expect(await readdir(join(root, 'tmp'))).toEqual([]);
    });

    test('goes with its asset, however fresh', async () => {
      const draft = await leaveDraft(0);
      const owner = basename(draft).slice(0, 36);
      await storage.removeAll(`${owner}/`, signal);
      expect(await readdir(join(root, 'tmp'))).toEqual([]);
    });

    test('does not disturb several processes that start at once', async () => {
      await Promise.all(Array.from({ length: 20 }, () => leaveDraft(2 * dayMs)));
      await Promise.all(Array.from({ length: 8 }, () => DiskStorage.open({ root })));
      expect(await readdir(join(root, 'tmp'))).toEqual([]);
    });
  });

  describe('when the disk fails', () => {
    async function expectUnavailable(work: Promise<unknown>, causeCode: string): Promise<void> {
      const cause = expect.objectContaining({ code: causeCode });
      await expect(work).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause });
      await expect(work).rejects.not.toThrow(root);
    }

    async function expectAllUnavailable(causeCode: string): Promise<void> {
      const key = `${id}/original`;
      const source = streamOf(bytesOf(10));
      await expectUnavailable(storage.put(key, source, options), causeCode);
      expect(source.destroyed).toBe(true);
      await expectUnavailable(storage.read(key, { signal }), causeCode);
      await expectUnavailable(storage.stat(key, signal), causeCode);
      await expectUnavailable(storage.removeAll(key.slice(0, 37), signal), causeCode);
      await expectUnavailable(storage.check(signal), causeCode);
    }

    test('a root that vanished is an unavailable storage, not an empty one', async () => {
      await rename(root, `${root}.away`);
      await expectAllUnavailable('ENOENT');
      await rename(`${root}.away`, root);
      await expect(storage.check(signal)).resolves.toBeUndefined();
    });

    test('a root that was replaced by a file is an unavailable storage', async () => {
      await rm(root, { recursive: true });
      await writeFile(root, '');
      await expectAllUnavailable('ENOTDIR');
      await expectUnavailable(DiskStorage.open({ root }), 'ENOTDIR');
    });

    test('a full disk fails the upload with a sentence that says so', async () => {
      const full = await open('/dev/full', 'r+');
      const sink = new FileSink(full);
      const work = pipeline(streamOf(bytesOf(3_000_000)), sink);
      await expectUnavailable(work, 'ENOSPC');
      await expect(work).rejects.toThrow('The storage is full.');
      await full.close();
    });

    test('a file in the place of an asset fails its upload, and nothing is left', async () => {
      await mkdir(join(root, id.slice(-2)));
      await writeFile(join(root, id.slice(-2), id), '');
      await expectUnavailable(storage.put(`${id}/original`, streamOf(bytesOf(10)), options), 'ENOTDIR');
      expect(await readdir(join(root, 'tmp'))).toEqual([]);
    });
  });
});

async function openDisk(): Promise<OpenedStorage & { root: string; storage: DiskStorage }> {
  const root = join(await realpath(await mkdtemp(join(tmpdir(), 'mediakeep-disk-'))), 'objects');
  const storage = await DiskStorage.open({ root });
  return {
    root,
    storage,
    leftovers: async () => [
      ...(await openFilesBelow(root)),
      ...(await readdir(join(root, 'tmp'))),
      ...(await emptyFoldersBelow(root)),
    ],
    close: async () => await rm(join(root, '..'), { recursive: true, force: true }),
  };
}

/** Folders of assets without an object, and of objects without bytes. */
async function emptyFoldersBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const parents = new Set(entries.map((entry) => entry.parentPath));
  return entries
    .filter((entry) => entry.isDirectory() && entry.parentPath !== root)
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((folder) => !parents.has(folder));
}
