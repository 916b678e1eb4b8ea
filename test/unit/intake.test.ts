import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { ImageMemory } from '../../src/media/image-memory.ts';
import { collectImage, type Identified, identify, Meter, pour } from '../../src/media/intake.ts';

const jpegHead = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');
const mp4Head = Buffer.concat([Buffer.from('0000001c', 'hex'), Buffer.from('ftypisom'), Buffer.alloc(16)]);
const fileOf = (head: Buffer, sizeBytes: number): Buffer => Buffer.concat([head, randomBytes(sizeBytes - head.length)]);

/** Pieces of `step` bytes, so that every boundary falls somewhere. */
const inPieces = (bytes: Buffer, step: number): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
    })(),
    { objectMode: false },
  );

const through = async (file: Identified, meter: Meter): Promise<Buffer> => {
  pour(file, meter);
  return Buffer.concat(await meter.toArray());
};

describe('identifying', () => {
  test.each([1, 100, 4099, 4100, 4101, 70_000])(
    'a file in pieces of %p bytes is told by its first bytes and keeps them all',
    async (step) => {
      const bytes = fileOf(mp4Head, 100_000);
      const file = await identify(inPieces(bytes, step), 'VIDEO');
      expect(file.mimeType).toBe('video/mp4');
      expect(await through(file, new Meter({ kind: 'VIDEO', limitBytes: bytes.length }))).toEqual(bytes);
    },
  );

  test.each([20, 4099, 4100])('a file of %p bytes, shorter than what is asked for, is whole too', async (sizeBytes) => {
    const bytes = fileOf(jpegHead, sizeBytes);
    const file = await identify(inPieces(bytes, 1000), 'IMAGE');
    expect((await collectImage(file, sizeBytes, new ImageMemory(sizeBytes))).bytes).toEqual(bytes);
  });

  test('an empty file is INVALID_MEDIA', async () => {
    await expect(identify(Readable.from([]), 'IMAGE')).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
  });

  test('the other kind is UNSUPPORTED_MEDIA_TYPE, and the stream is destroyed', async () => {
    const source = inPieces(fileOf(mp4Head, 10_000), 1000);
    await expect(identify(source, 'IMAGE')).rejects.toMatchObject({
      code: 'UNSUPPORTED_MEDIA_TYPE',
      message: expect.stringContaining('video/mp4'),
    });
    expect(source.destroyed).toBe(true);
  });

  test("a source's failure comes through as it is, also one that has happened already", async () => {
    const failure = new Error('the client went away');
    const source = new Readable({ read() {} });
    source.push(jpegHead);
    setImmediate(() => source.destroy(failure));
    await expect(identify(source, 'IMAGE')).rejects.toBe(failure);
    await expect(identify(source, 'IMAGE')).rejects.toBe(failure);
  });
});

describe('metering', () => {
  test('counts and hashes what flows', async () => {
    const bytes = fileOf(mp4Head, 3_000_000);
    const meter = new Meter({ kind: 'VIDEO', limitBytes: bytes.length });
    await through(await identify(inPieces(bytes, 65_536), 'VIDEO'), meter);
    expect(meter.facts()).toEqual({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  });

  test('the limit passes, one byte more does not', async () => {
    const bytes = fileOf(mp4Head, 50_000);
    const pass = new Meter({ kind: 'VIDEO', limitBytes: 50_000 });
    await expect(through(await identify(inPieces(bytes, 999), 'VIDEO'), pass)).resolves.toHaveLength(50_000);
    const refuse = new Meter({ kind: 'VIDEO', limitBytes: 49_999 });
    const source = inPieces(bytes, 999);
    await expect(through(await identify(source, 'VIDEO'), refuse)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      message: expect.stringContaining('49999 bytes'),
    });
    expect(source.destroyed).toBe(true);
  });

  test('a limit below the first bytes refuses without ending the process', async () => {
    const meter = new Meter({ kind: 'VIDEO', limitBytes: 10 });
    await expect(through(await identify(inPieces(fileOf(mp4Head, 50_000), 999), 'VIDEO'), meter)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
  });

  test('tells how much has arrived every 8 MiB and at the end, and waits for the answer', async () => {
    const bytes = fileOf(mp4Head, 20 * 1024 * 1024 + 1);
    const told: number[] = [];
    const meter = new Meter({
      kind: 'VIDEO',
      limitBytes: bytes.length,
      onArrival: async (sizeBytes) => void told.push(sizeBytes),
    });
    await through(await identify(inPieces(bytes, 1024 * 1024), 'VIDEO'), meter);
    expect(told).toHaveLength(3);
    expect(told.at(-1)).toBe(bytes.length);
  });

  test('a refusal of what has arrived stops the flow', async () => {
    const refusal = new Error('quota');
    const meter = new Meter({ kind: 'VIDEO', limitBytes: 1e9, onArrival: () => Promise.reject(refusal) });
    await expect(through(await identify(inPieces(fileOf(mp4Head, 10_000), 999), 'VIDEO'), meter)).rejects.toBe(refusal);
  });
});

describe('collecting an image', () => {
  test('takes from the memory that all images share and gives it back', async () => {
    const budget = new ImageMemory(15_000);
    const file = await identify(inPieces(fileOf(jpegHead, 10_000), 1000), 'IMAGE');
    const first = await collectImage(file, 10_000, budget);
    const second = await identify(inPieces(fileOf(jpegHead, 10_000), 1000), 'IMAGE');
    await expect(collectImage(second, 10_000, budget)).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryAfterSeconds: expect.any(Number),
    });
    first.release();
    const third = await identify(inPieces(fileOf(jpegHead, 15_000), 1000), 'IMAGE');
    await expect(collectImage(third, 15_000, budget)).resolves.toMatchObject({ facts: { sizeBytes: 15_000 } });
  });

  test('one byte over the limit is FILE_TOO_LARGE, and the memory is given back', async () => {
    const budget = new ImageMemory(10_000);
    const file = await identify(inPieces(fileOf(jpegHead, 10_000), 1000), 'IMAGE');
    await expect(collectImage(file, 9_999, budget)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    expect(() => budget.take(10_000)).not.toThrow();
  });

  test('a client that goes away midway rejects with its failure, and the memory is given back', async () => {
    const budget = new ImageMemory(10_000);
    const source = new Readable({ read() {} });
    source.push(fileOf(jpegHead, 5_000));
    const file = await identify(source, 'IMAGE');
    setImmediate(() => source.destroy(new Error('gone')));
    await expect(collectImage(file, 10_000, budget)).rejects.toThrow('gone');
    expect(() => budget.take(10_000)).not.toThrow();
  });

  test('keeps an image whole as it outgrows one piece of memory after another', async () => {
    const bytes = fileOf(jpegHead, 1_500_000);
    const memory = new ImageMemory(2_000_000);
    const file = await identify(inPieces(bytes, 65_536), 'IMAGE');
    expect((await collectImage(file, 2_000_000, memory)).bytes.equals(bytes)).toBe(true);
  });

  test('writes the next image over one that nobody reads any more, and never over one that somebody may', async () => {
    const memory = new ImageMemory(1_000_000);
    const images = await Promise.all([1, 2].map(async () => collectImage(await jpegOf(10_000), 100_000, memory)));
    const [kept, done] = images;
    kept?.release();
    done?.reuse();
    const next = await collectImage(await jpegOf(20_000), 100_000, memory);
    expect(next.bytes.buffer).toBe(done?.bytes.buffer);
    const fresh = await collectImage(await jpegOf(20_000), 100_000, memory);
    expect(images.map(({ bytes }) => bytes.buffer)).not.toContain(fresh.bytes.buffer);
  });
});

function jpegOf(sizeBytes: number): Promise<Identified> {
  return identify(inPieces(fileOf(jpegHead, sizeBytes), 1000), 'IMAGE');
}
