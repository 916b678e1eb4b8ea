import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import { bytesOf, endlessChunk, failingAfter, stallingAfter, streamOf } from './byte-sources.ts';
import { newKey, type StorageUnderTest } from './storage-under-test.ts';

const mebibyte = 1024 * 1024;

/** What goes in comes out, whole and in ranges. */
export function describePutAndRead(current: () => StorageUnderTest): void {
  describe('put and read', () => {
    test.each([
      ['no bytes at all', 0],
      ['one byte', 1],
      ['exactly 1 MiB', mebibyte],
      ['1 MiB and one byte', mebibyte + 1],
      ['5 MiB and an odd rest', 5 * mebibyte + 12_345],
    ])('gives back %s, with size and CRC32C', async (_words, sizeBytes) => {
      const it = current();
      const key = newKey();
      const bytes = bytesOf(sizeBytes);
      const facts = { sizeBytes, crc32c: crc32c(bytes) };
      expect(await it.put(key, streamOf(bytes))).toEqual(facts);
      expect(await it.stat(key)).toEqual(facts);
      expect((await it.bytesAt(key)).equals(bytes)).toBe(true);
    });

    test('the checksum is the CRC32C of RFC 3720, also with a leading zero and the highest bit set', async () => {
      const it = current();
      const check = newKey();
      expect(await it.put(check, streamOf(Buffer.from('123456789')))).toEqual({ sizeBytes: 9, crc32c: 0xe3069283 });
      const low = newKey();
      const bytes = Array.from({ length: 10_000 }, (_, index) => Buffer.from(String(index))).find(
        (each) => crc32c(each) < 0x1000000,
      );
      if (bytes === undefined) throw new Error('No small checksum among ten thousand');
      expect(await it.put(low, streamOf(bytes))).toEqual({ sizeBytes: bytes.length, crc32c: crc32c(bytes) });
      expect(await it.stat(low)).toEqual({ sizeBytes: bytes.length, crc32c: crc32c(bytes) });
    });

    test('gives any range, both ends included', async () => {
      const it = current();
      const key = newKey();
      const last = 2 * mebibyte + 776;
      const bytes = bytesOf(last + 1);
      await it.put(key, streamOf(bytes));
      const ranges = [
        [0, 0],
        [last, last],
        [777, 777],
        [0, last],
        [1, last - 1],
        [mebibyte - 1, mebibyte],
        [300_000, 1_900_000],
      ];
      for (const [start = 0, end = 0] of ranges) {
        expect((await it.bytesAt(key, { start, end })).equals(bytes.subarray(start, end + 1))).toBe(true);
      }
    });

    test('many readers of one object do not disturb each other', async () => {
      const it = current();
      const key = newKey();
      const bytes = bytesOf(mebibyte);
      await it.put(key, streamOf(bytes));
      const read = await Promise.all(Array.from({ length: 10 }, () => it.bytesAt(key)));
      expect(read.every((each) => each.equals(bytes))).toBe(true);
    });

    test.each([
      ['single bytes', { chunkBytes: 1 }, 5_000],
      ['odd crumbs', { chunkBytes: 777 }, 3 * mebibyte + 1],
      ['one chunk that is larger than any buffer', { chunkBytes: 9 * mebibyte }, 9 * mebibyte],
      ['slow chunks', { chunkBytes: 20_000, pauseMs: 15 }, 200_001],
    ])('takes a source of %s', async (_words, pace, sizeBytes) => {
      const it = current();
      const key = newKey();
      const bytes = bytesOf(sizeBytes);
      await it.put(key, streamOf(bytes, pace));
      expect((await it.bytesAt(key)).equals(bytes)).toBe(true);
    });

    test('64 MiB pass through a fixed amount of memory', async () => {
      const it = current();
      const heldBytes = (): number => it.opened.heldBytes?.() ?? 0;
      const inUse = (): number => process.memoryUsage().arrayBuffers - heldBytes();
      const before = inUse();
      let peak = before;
      const source = endlessChunk(64 * mebibyte, () => {
        peak = Math.max(peak, inUse());
      });
      expect((await it.put(newKey(), source)).sizeBytes).toBe(64 * mebibyte);
      expect(peak - before).toBeLessThan(32 * mebibyte);
    });
  });
}

/** A key is written once. */
export function describeCreateOnly(current: () => StorageUnderTest): void {
  describe('create-only', () => {
    test('a second put rejects and leaves the first bytes', async () => {
      const it = current();
      const key = newKey();
      await it.put(key, streamOf(bytesOf(100_000, 1)));
      await expect(it.put(key, streamOf(bytesOf(200_000, 2)))).rejects.toThrow();
      expect((await it.bytesAt(key)).equals(bytesOf(100_000, 1))).toBe(true);
      expect(await it.stat(key)).toEqual({ sizeBytes: 100_000, crc32c: crc32c(bytesOf(100_000, 1)) });
    });

    test.each([
      ['other', 1],
      ['the same', 0],
    ])('of ten puts at once with %s bytes exactly one wins', async (_words, step) => {
      const it = current();
      const key = newKey();
      const bodies = Array.from({ length: 10 }, (_, index) => bytesOf(300_000 + step * index, step * index));
      const results = await Promise.allSettled(bodies.map((body) => it.put(key, streamOf(body))));
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [{ index, facts: result.value }] : []));
      expect(winners).toHaveLength(1);
      const [winner] = winners;
      expect((await it.bytesAt(key)).equals(bodies[winner?.index ?? -1] ?? Buffer.alloc(0))).toBe(true);
      expect(await it.stat(key)).toEqual(winner?.facts);
    });

    test('a key is free again after a put that failed', async () => {
      const it = current();
      const key = newKey();
      await expect(it.put(key, failingAfter(bytesOf(mebibyte, 1), new Error('Lost')))).rejects.toThrow('Lost');
      await it.put(key, streamOf(bytesOf(5_000, 2)));
      expect((await it.bytesAt(key)).equals(bytesOf(5_000, 2))).toBe(true);
    });
  });
}

/** A put that does not resolve has not been. */
export function describeAllOrNothing(current: () => StorageUnderTest): void {
  describe('all or nothing', () => {
    test.each([
      ['at its start', 0],
      ['midway', 3 * mebibyte + 5],
      ['instead of ending', 10],
    ])('a source that fails %s leaves nothing, and its own failure is what put rejects with', async (_words, sizeBytes) => {
      const it = current();
      const key = newKey();
      const error = Object.assign(new Error('The client went away'), { code: 'ECONNRESET', syscall: 'read' });
      await expect(it.put(key, failingAfter(bytesOf(sizeBytes), error))).rejects.toBe(error);
      await it.expectNothingAt(key);
    });

    test('a source that has failed before it was handed over leaves nothing', async () => {
      const it = current();
      const key = newKey();
      const error = new Error('Too late');
      const failed = streamOf(bytesOf(10)).on('error', () => undefined);
      failed.destroy(error);
      await pause(5);
      await expect(it.put(key, failed)).rejects.toBe(error);
      await it.expectNothingAt(key);
    });

    test('a source that fails in the moment it is handed over leaves nothing, and does not end the process', async () => {
      const it = current();
      const key = newKey();
      const error = new Error('Just now');
      await expect(it.put(key, streamOf(bytesOf(10)).destroy(error))).rejects.toBe(error);
      await it.expectNothingAt(key);
    });

    test('a source that was destroyed, before or midway, does not pass for one that ended', async () => {
      const it = current();
      const key = newKey();
      await expect(it.put(key, streamOf(bytesOf(10)).destroy())).rejects.toThrow();
      const { source, given } = stallingAfter(bytesOf(mebibyte));
      const putting = expect(it.put(key, source)).rejects.toThrow();
      await given;
      source.destroy();
      await putting;
      await it.expectNothingAt(key);
    });

    test('a source that somebody else has read to its end does not pass for an empty one', async () => {
      const it = current();
      const key = newKey();
      const source = streamOf(bytesOf(10));
      await source.toArray();
      await expect(it.put(key, source)).rejects.toThrow();
      await it.expectNothingAt(key);
    });

    test('an abort before the put rejects with its reason and leaves nothing', async () => {
      const it = current();
      const key = newKey();
      const reason = new Error('Not wanted any more');
      await expect(it.put(key, streamOf(bytesOf(10)), AbortSignal.abort(reason))).rejects.toBe(reason);
      await it.expectNothingAt(key);
    });

    test.each([
      ['a little', 10],
      ['a lot', 12 * mebibyte],
    ])('an abort while the source is silent after %s rejects with its reason and leaves nothing', async (_words, sizeBytes) => {
      const it = current();
      const key = newKey();
      const reason = new Error('Not wanted any more');
      const controller = new AbortController();
      const { source, given } = stallingAfter(bytesOf(sizeBytes));
      const putting = expect(it.put(key, source, controller.signal)).rejects.toBe(reason);
      await given;
      controller.abort(reason);
      await putting;
      await it.expectNothingAt(key);
    });

    test('an object is not there before put resolves', async () => {
      const it = current();
      const key = newKey();
      const { source, given, goOn } = stallingAfter(bytesOf(2 * mebibyte));
      const putting = it.put(key, source);
      await given;
      await it.expectNothingAt(key);
      goOn();
      expect(await putting).toEqual(await it.stat(key));
    });
  });
}
