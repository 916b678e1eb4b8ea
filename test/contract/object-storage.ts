import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ListedObject } from '../../src/media/ports.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { describeAllOrNothing, describeCreateOnly, describePutAndRead } from './object-storage-put.ts';
import { newKey, type OpenedStorage, StorageUnderTest } from './storage-under-test.ts';

export type { OpenedStorage } from './storage-under-test.ts';

const mebibyte = 1024 * 1024;

/** What every adapter of the port ObjectStorage has to do. After each case nothing may be left over. */
export function describeObjectStorage(name: string, open: () => Promise<OpenedStorage>): void {
  describe(`${name} as an object storage`, () => {
    let underTest: StorageUnderTest;
    const current = (): StorageUnderTest => underTest;

    beforeAll(async () => {
      underTest = new StorageUnderTest(await open());
    });
    afterEach(async () => expect(await underTest.rest()).toEqual([]));
    afterAll(async () => await underTest.opened.close());

    describePutAndRead(current);
    describeCreateOnly(current);
    describeAllOrNothing(current);
    describeRead(current);
    describeScan(current);
    describeRemoveAll(current);
    describeList(current);
    describeTheRest(current);
  });
}

/** An asset goes as a whole, and nothing else with it. */
function describeRemoveAll(current: () => StorageUnderTest): void {
  describe('removeAll', () => {
    test('removes every object of the asset, and none of its neighbours', async () => {
      const it = current();
      const [id, neighbours] = withNeighbours();
      const kept = neighbours.map((each) => `${each}/original`);
      const removed = ['original', 'original-2', 'w640.webp'].map((each) => `${id}/${each}`);
      for (const key of [...kept, ...removed]) await it.put(key, streamOf(Buffer.from(key)));
      await it.removeAll(`${id}/`);
      for (const key of removed) await it.expectNothingAt(key);
      for (const key of kept) expect((await it.bytesAt(key)).toString()).toBe(key);
    });

    test('an asset without objects is no error', async () => {
      const it = current();
      await expect(it.removeAll(`${randomUUID()}/`)).resolves.toBeUndefined();
    });

    test('may be asked several times at once', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(mebibyte)));
      await Promise.all(Array.from({ length: 5 }, () => it.removeAll(key.slice(0, 37))));
      await it.expectNothingAt(key);
    });

    test('a removed key can be put again', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(10, 1)));
      await it.removeAll(key.slice(0, 37));
      await it.put(key, streamOf(bytesOf(20, 2)));
      expect((await it.bytesAt(key)).equals(bytesOf(20, 2))).toBe(true);
    });

    test.each(['', '/', 'a', '0199e0a4-52c1-7000-8000-0123456789ab'])(
      'refuses the prefix "%s", which is not one of an asset',
      async (prefix) => {
        const it = current();
        await expect(it.removeAll(prefix)).rejects.toThrow('prefix');
      },
    );
  });
}

/** For the comparison with the table, which walks both side by side. */
function describeList(current: () => StorageUnderTest): void {
  describe('list', () => {
    test('gives every object once, with size and checksum, in the order of their keys', async () => {
      const it = current();
      const ids = Array.from({ length: 5 }, () => randomUUID()).sort();
      const keys = ids.flatMap((id) => [`${id}/original`, `${id}/w640.webp`]);
      const facts = new Map<string, unknown>();
      for (const key of keys.toReversed()) facts.set(key, await it.put(key, streamOf(Buffer.from(key.repeat(3)))));
      const listed: ListedObject[] = [];
      for await (const object of it.storage.list(it.signal)) listed.push(object);
      const all = listed.map(({ key }) => key);
      expect(all).toEqual(all.toSorted());
      const ours = listed.filter(({ key }) => keys.includes(key));
      expect(ours.map(({ key }) => key)).toEqual(keys);
      for (const { key, sizeBytes, crc32c, updatedAt } of ours) {
        expect({ sizeBytes, crc32c }).toEqual(facts.get(key));
        expect(Math.abs(Date.now() - updatedAt.getTime())).toBeLessThan(60_000);
      }
      for (const id of ids) await it.removeAll(`${id}/`);
      for await (const { key } of it.storage.list(it.signal)) expect(keys).not.toContain(key);
    });

    test('an abort ends it with its reason', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(10)));
      const reason = new Error('Not wanted any more');
      const listing = it.storage.list(AbortSignal.abort(reason))[Symbol.asyncIterator]();
      await expect(listing.next()).rejects.toBe(reason);
    });
  });
}

/** A reader may go at any time. */
function describeRead(current: () => StorageUnderTest): void {
  describe('read', () => {
    test('streams that are destroyed at once, after a chunk or late leave nothing open', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(4 * mebibyte)));
      for (let round = 0; round < 10; round += 1) {
        for (const afterMs of [undefined, 0, 5]) {
          const stream = await it.storage.read(key, { signal: it.signal });
          if (afterMs !== undefined) await pause(afterMs, stream.resume());
          stream.destroy();
        }
        const begun = await it.storage.read(key, { signal: it.signal });
        for await (const chunk of begun) if (chunk.length > 0) break;
      }
      expect(await it.rest()).toEqual([]);
    });

    test('an abort before it rejects with its reason', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(10)));
      const reason = new Error('Not wanted any more');
      await expect(it.storage.read(key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await expect(it.storage.stat(key, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test('an abort midway ends the stream with a failure, never as if the object ended there', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(8 * mebibyte)));
      const controller = new AbortController();
      const stream = await it.storage.read(key, { signal: controller.signal });
      const reading = expect(stream.toArray()).rejects.toThrow();
      stream.once('data', () => controller.abort());
      await reading;
    });
  });
}

/** What is shown is looked at in passing: a piece is not to be kept. */
function describeScan(current: () => StorageUnderTest): void {
  describe('scan', () => {
    test('shows every byte once, in order, and leaves nothing open', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(3 * mebibyte + 17)));
      const pieces: Buffer[] = [];
      await it.storage.scan(key, (piece) => void pieces.push(Buffer.from(piece)), it.signal);
      expect(Buffer.concat(pieces).equals(bytesOf(3 * mebibyte + 17))).toBe(true);
      expect(await it.rest()).toEqual([]);
    });

    test('ends with what the onlooker throws', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(3 * mebibyte)));
      const enough = new Error('Seen enough');
      const see = (): void => {
        throw enough;
      };
      await expect(it.storage.scan(key, see, it.signal)).rejects.toBe(enough);
      expect(await it.rest()).toEqual([]);
    });

    test('ends with the signal’s reason, before it begins and midway', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(8 * mebibyte)));
      const reason = new Error('Not wanted any more');
      const ignore = (): void => undefined;
      await expect(it.storage.scan(key, ignore, AbortSignal.abort(reason))).rejects.toBe(reason);
      const stop = new AbortController();
      await expect(it.storage.scan(key, () => stop.abort(reason), stop.signal)).rejects.toBe(reason);
      expect(await it.rest()).toEqual([]);
    });

    test('is told when there is no such object', async () => {
      const it = current();
      await expect(it.storage.scan(newKey(), () => undefined, it.signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });
}

function describeTheRest(current: () => StorageUnderTest): void {
  test('answers a check, and calls it off when told to', async () => {
    const it = current();
    await expect(it.storage.check(it.signal)).resolves.toBeUndefined();
    const reason = new Error('Not wanted any more');
    await expect(it.storage.check(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('an address ends in the key and begins with the kind of storage', () => {
    expect(current().storage.uriOf('a/original')).toMatch(/^(disk:|gs:\/\/[^/]+\/)a\/original$/);
  });
}

/** An id, and ids that begin, or begin and end, as it does. */
function withNeighbours(): [string, string[]] {
  const id = randomUUID().slice(0, -4);
  return [`${id}aaaa`, [`${id}aaab`, `${id}baaa`, `${id}caaa`]];
}
