import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import { blockBytes } from '../../src/storage/blocks.ts';
import { FileSink } from '../../src/storage/disk-streams.ts';
import { bytesOf } from '../contract/byte-sources.ts';

describe('FileSink', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediakeep-sink-'));
  });
  afterEach(async () => await rm(dir, { recursive: true, force: true }));

  const piecesOf = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
    let at = 0;
    return sizes.map((size) => {
      at += size;
      return bytes.subarray(at - size, at);
    });
  };
  const written = async (name: string, source: Readable): Promise<{ bytes: Buffer; facts: unknown }> => {
    const path = join(dir, name);
    const file = await open(path, 'wx');
    try {
      const sink = new FileSink(file);
      await pipeline(source, sink);
      return { bytes: await readFile(path), facts: sink.facts() };
    } finally {
      await file.close();
    }
  };

  test.each<[string, number[]]>([
    ['nothing', []],
    ['a byte', [1]],
    ['an empty piece between others', [3, 0, 4]],
    ['pieces that end where a block does', [blockBytes - 10, 10, 20]],
    ['a piece across the end of a block', [blockBytes - 10, 30]],
    ['a piece of a whole block', [blockBytes]],
    ['a piece of several blocks, first', [3 * blockBytes + 7, 5]],
    ['a piece of several blocks behind a small one', [5, 3 * blockBytes + 7, 11]],
    ['crumbs', Array(3000).fill(409)],
    ['what a socket gives', Array(40).fill(65_536)],
  ])('writes %s as it came, and sums it up', async (_what, sizes) => {
    const bytes = bytesOf(sizes.reduce((sum, size) => sum + size, 0));
    const result = await written('file', Readable.from(piecesOf(bytes, sizes), { objectMode: false }));
    expect(result.bytes.equals(bytes)).toBe(true);
    expect(result.facts).toEqual({ sizeBytes: bytes.length, crc32c: crc32c(bytes) });
  });

  test('keeps files apart that grow at the same time, more of them than blocks are kept, and one that fails among them', async () => {
    const files = Array.from({ length: 24 }, (_each, index) => bytesOf(2_000_000).fill(index + 1, 0, 1_999_999));
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield bytesOf(700_000);
      throw new Error('The client went away');
    };
    const [failure, ...results] = await Promise.all([
      written('broken', Readable.from(failing(), { objectMode: false })).catch((error: unknown) => error),
      ...files.map((bytes, index) =>
        written(`file ${index}`, Readable.from(piecesOf(bytes, Array(200).fill(10_000)), { objectMode: false })),
      ),
    ]);
    expect(failure).toEqual(new Error('The client went away'));
    for (const [index, bytes] of files.entries()) {
      const result = results[index] as { bytes: Buffer; facts: unknown };
      expect(result.bytes.equals(bytes)).toBe(true);
      expect(result.facts).toEqual({ sizeBytes: bytes.length, crc32c: crc32c(bytes) });
    }
  });
});
