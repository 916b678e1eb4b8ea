import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import type { StoredObject } from '../../src/media/ports.ts';
import type { GcsStorage } from '../../src/storage/gcs.ts';
import type { Fault, FaultAction } from '../support/gcs-emulator/faults.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { bucket, expectAtRest, longPatience, openOn } from './gcs-emulated.ts';

const mebibyte = 1024 * 1024;
const sizeBytes = 64 * mebibyte;
const chunkBytes = 4 * mebibyte;
const bytes = bytesOf(sizeBytes);
const facts = { sizeBytes, crc32c: crc32c(bytes) };

/** At the very start, inside a chunk, at a chunk's edge and within the last chunk. */
const points = [0, 21 * mebibyte + 5, 40 * mebibyte, 60 * mebibyte + 300_000];
const never = new AbortController().signal;
const lastByte = sizeBytes - 1;

/** A connection that is silent for so long has stalled: long enough for a busy machine. */
const stallMs = 500;

let emulator: GcsEmulator;
let storage: GcsStorage;
let key: string;

beforeAll(async () => {
  // Sizes and checksums prove the bytes; keeping them would cost the tests most of their time.
  emulator = await startGcsEmulator({ buckets: [{ name: bucket, uniformBucketLevelAccess: true }], keepBytes: false });
});
beforeEach(async () => {
  await emulator.reset();
  storage = await openOn(emulator, { chunkBytes, patience: longPatience, idleMs: stallMs });
  key = `${randomUUID()}/original`;
});
afterEach(async () => {
  await expectAtRest(emulator, storage);
  expect(emulator.pendingFaults()).toBe(0);
});
afterAll(() => emulator.close());

describe('a long upload recovers, byte for byte, from', () => {
  const mishaps: [string, FaultAction][] = [
    ['a 503', { status: 503 }],
    ['a 429 that says when to come back', { status: 429, headers: { 'retry-after': '0' } }],
    ['a reset connection', 'reset'],
    ['a stall', 'stall'],
    ['a pause that is shorter than a stall', { stallMs: stallMs / 5 }],
    ['a lost answer', 'lost-answer'],
    ['a 308 without progress', 'no-progress'],
  ];
  test.each(mishaps)('%s, at every point', async (_words, action) => {
    for (const afterBytes of points) emulator.fault({ match: 'data', action, afterBytes });
    expect(await put()).toEqual(facts);
    expectStored();
  });

  test.each([...points, lastByte])('four mishaps in a row at byte %i', async (afterBytes) => {
    const actions: FaultAction[] = [{ status: 500 }, 'reset', { status: 408 }, 'no-progress'];
    for (const action of actions) emulator.fault({ match: 'data', action, afterBytes });
    emulator.fault({ match: 'status', action: 'reset' });
    expect(await put()).toEqual(facts);
    expectStored();
  });

  test('a status query that fails, stalls and is answered with 500', async () => {
    emulator.fault({ match: 'data', action: 'reset', afterBytes: 10 * mebibyte });
    for (const action of ['reset', 'stall', { status: 500 }] as const) emulator.fault({ match: 'status', action });
    expect(await put()).toEqual(facts);
    expectStored();
  });

  test.each<FaultAction>(['reset', 'stall', { status: 503 }])('a start that meets %j', async (action) => {
    emulator.fault({ match: 'start', action });
    expect(await put()).toEqual(facts);
    expectStored();
  });

  test('a session that expires before anything of it was confirmed: another takes its place', async () => {
    emulator.fault({ match: 'data', action: 'expire', afterBytes: mebibyte });
    expect(await put()).toEqual(facts);
    expectStored();
    expect(emulator.count('start')).toBe(2);
  });
});

test('a start whose answer is lost costs a session that nobody knows, and no more', async () => {
  emulator.fault({ match: 'start', action: 'lost-answer' });
  expect(await put()).toEqual(facts);
  expectStored();
  expect(emulator.liveSessions()).toEqual([expect.objectContaining({ name: key, heldBytes: 0 })]);
  await emulator.reset();
});

describe('a long upload ends as STORAGE_UNAVAILABLE, and leaves nothing, after', () => {
  beforeEach(beImpatient);

  const endless: [string, FaultAction][] = [
    ['503', { status: 503 }],
    ['resets', 'reset'],
    ['stalls', 'stall'],
    ['308 without progress', 'no-progress'],
  ];
  const cases = endless.flatMap(([words, action]) => [0, 40 * mebibyte, lastByte].map((at) => [words, at, action] as const));
  test.each(cases)('endless %s from byte %i on', async (_words, afterBytes, action) => {
    emulator.fault({ match: 'data', action, afterBytes, times: 1 });
    const struck = (record: { headers: { 'content-range'?: string | undefined } }): boolean =>
      emulator.pendingFaults() === 1 && record.headers['content-range'] !== undefined;
    const endlessly: Fault = { match: struck, action, times: 1_000_000 };
    emulator.fault(endlessly);
    await expectUnavailable();
    expectNothing();
    expect(emulator.pendingFaults()).toBe(1);
    await emulator.reset();
  });

  test.each([...points.slice(1), lastByte])('a session that expires at byte %i', async (afterBytes) => {
    emulator.fault({ match: 'data', action: 'expire', afterBytes });
    await expectUnavailable(/410/);
    expectNothing();
  });

  test('a session that expires again and again', async () => {
    emulator.fault({ match: 'data', action: 'expire', afterBytes: 0, times: 3 });
    await expectUnavailable(/410/);
    expectNothing();
  });

  test.each([400, 403])('a refusal (%i) midway', async (status) => {
    emulator.fault({ match: 'data', action: { status }, afterBytes: 40 * mebibyte });
    await expectUnavailable(new RegExp(String(status)));
    expectNothing();
  });

  test('a checksum that is not that of the bytes that arrived', async () => {
    emulator.fault({ match: tampering(), action: 'reset' });
    await expectUnavailable(/400/);
    expectNothing();
    await emulator.reset();
  });

  test('an answer that tells of other bytes than were sent', async () => {
    const body = JSON.stringify({ name: key, size: '5', crc32c: 'AAAAAA==', generation: '1' });
    emulator.fault({ match: 'final', action: { status: 200, body } });
    await expectUnavailable(/other bytes/);
    expectNothing();
  });
});

describe('a name that is taken rejects, and leaves what is there', () => {
  test('before the upload', async () => {
    emulator.put(bucket, key, Buffer.from('first'));
    await expect(put()).rejects.toThrow('There is an object already');
    expect(emulator.objects(bucket).get(key)?.size).toBe(5);
  });

  test.each([0, 40 * mebibyte, sizeBytes])('while the upload is at byte %i', async (point) => {
    const source = sourceThat(point, () => emulator.put(bucket, key, Buffer.from('first')));
    await expect(put({ source })).rejects.toThrow('There is an object already');
    expect(emulator.objects(bucket).get(key)?.size).toBe(5);
  });

  test('by the same bytes of another upload', async () => {
    expect(await put()).toEqual(facts);
    await expect(put()).rejects.toThrow('There is an object already');
    expectStored();
  });
});

describe('what the client does ends the upload, and leaves nothing', () => {
  const moments = [0, 1, 10 * mebibyte, 40 * mebibyte + 7, sizeBytes];

  test.each(moments)('an abort at byte %i rejects with its reason', async (point) => {
    const reason = new Error('Not wanted any more');
    const controller = new AbortController();
    const source = sourceThat(point, () => controller.abort(reason));
    await expect(put({ source, signal: controller.signal })).rejects.toBe(reason);
    expectNothing();
  });

  test.each<[string, Fault]>([
    ['the start', { match: 'start', action: 'stall' }],
    ['a chunk', { match: 'data', action: 'stall', afterBytes: 30 * mebibyte }],
    ['the last chunk', { match: 'final', action: 'stall' }],
    ['a slow last chunk', { match: 'final', action: { stallMs: 50 } }],
  ])('an abort while %s hangs rejects with its reason', async (_words, fault) => {
    const reason = new Error('Not wanted any more');
    const controller = new AbortController();
    emulator.fault(fault);
    const putting = expect(put({ signal: controller.signal })).rejects.toBe(reason);
    while (emulator.pendingFaults() > 0) await pause(2);
    controller.abort(reason);
    await putting;
    expectNothing();
  });

  test.each(moments)('a source that fails at byte %i', async (point) => {
    const error = Object.assign(new Error('The client went away'), { code: 'ECONNRESET' });
    const source = sourceThat(point, () => source.destroy(error));
    await expect(put({ source })).rejects.toBe(error);
    expectNothing();
  });

  test('200 aborted uploads, at any moment', async () => {
    const patient = await openOn(emulator, { chunkBytes: mebibyte, patience: longPatience, idleMs: 10_000 });
    const endings = await Promise.all(Array.from({ length: 200 }, (_, index) => abortedUpload(patient, index)));
    expect(endings.filter((each) => each === 'aborted').length).toBeGreaterThan(100);
    await expectAtRest(emulator, patient);
    expect(emulator.objects(bucket).size).toBe(endings.filter((each) => each === 'stored').length);
  });
});

/** Whoever is done before the abort comes has stored the bytes. */
async function abortedUpload(into: GcsStorage, index: number): Promise<'aborted' | 'stored'> {
  const reason = new Error(`Abort ${index}`);
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), (index * 37) % 1_000);
  const source = streamOf(bytes.subarray(0, index * 20_000));
  try {
    await put({ into, name: `${key}-${index}`, source, signal: controller.signal });
    return 'stored';
  } catch (error) {
    expect(error).toBe(reason);
    return 'aborted';
  }
}

/** Gives up soon, but takes its time to tidy up. */
async function beImpatient(): Promise<void> {
  await storage.close();
  storage = await openOn(emulator, { chunkBytes, patience: { ...longPatience, deadlineMs: 150 }, idleMs: stallMs });
}

type Put = { into?: GcsStorage; source?: Readable; signal?: AbortSignal; name?: string };

function put({ into = storage, source = streamOf(bytes), signal = never, name = key }: Put = {}): Promise<StoredObject> {
  return into.put(name, source, { contentType: 'video/mp4', filename: 'film.mp4', metadata: {}, signal });
}

async function expectUnavailable(cause = /./): Promise<void> {
  await expect(put()).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: 'The storage does not answer. Please try again later.',
    cause: { message: expect.stringMatching(cause) },
  });
}

function expectStored(): void {
  const stored = emulator.objects(bucket).get(key);
  expect(stored?.size).toBe(sizeBytes);
  expect(Buffer.from(stored?.crc32c ?? '', 'base64').readUInt32BE()).toBe(facts.crc32c);
}

function expectNothing(): void {
  expect([...emulator.objects(bucket).keys()]).toEqual([]);
}

/** The bytes, and something that happens before the first byte from `point` on is given; at the end, instead of ending. */
function sourceThat(point: number, happen: () => void): Readable {
  let position = 0;
  let hasHappened = false;
  const stream = new Readable({
    read() {
      if (!hasHappened && position >= point) {
        hasHappened = true;
        happen();
        if (stream.destroyed) return;
      }
      const piece = bytes.subarray(position, Math.min(position + 64 * 1024, position < point ? point : sizeBytes));
      position += piece.length;
      stream.push(piece.length === 0 ? null : piece);
    },
  });
  return stream;
}

/** A script that strikes nothing, but changes the checksum of a last request on its way. */
function tampering(): Exclude<Fault['match'], string> {
  return ({ kind, headers }) => {
    if (kind === 'final') headers['x-goog-hash'] = 'crc32c=AAAAAA==';
    return false;
  };
}
