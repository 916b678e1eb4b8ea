import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import type { StoredObject } from '../../src/media/ports.ts';
import type { GcsStorage } from '../../src/storage/gcs.ts';
import type { FaultAction } from '../support/gcs-emulator/faults.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { bucket, expectAtRest, longPatience, openOn } from './gcs-emulated.ts';

const bytes = bytesOf(300_000);
const facts = { sizeBytes: bytes.length, crc32c: crc32c(bytes) };

/** A connection that is silent for so long has stalled. Emulator and adapter share one process: a busy machine may keep both waiting for a second. */
const stallMs = 2500;
/** For tests in which none stalls, so that no pause of the machine passes for one. */
const neverMs = 30_000;

let emulator: GcsEmulator;
let storage: GcsStorage;
let key: string;

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: bucket, uniformBucketLevelAccess: true }] });
});
beforeEach(async () => {
  await emulator.reset();
  storage = await openOn(emulator, { patience: longPatience, idleMs: neverMs });
  key = `${randomUUID()}/original`;
});
afterEach(async () => {
  await expectAtRest(emulator, storage);
  expect(emulator.pendingFaults()).toBe(0);
});
afterAll(() => emulator.close());

describe('a small upload, in one request,', () => {
  test.each<[string, FaultAction]>([
    ['a 503', { status: 503 }],
    ['a reset', 'reset'],
    ['a stall', 'stall'],
    ['a lost answer', 'lost-answer'],
  ])('recovers from %s', async (_words, action) => {
    if (action === 'stall') await becomeImpatient(longPatience);
    emulator.fault({ match: 'upload', action, times: 2 });
    expect(await put()).toEqual(facts);
    expect(emulator.objects(bucket).get(key)).toMatchObject({ size: bytes.length });
    expect(emulator.count('upload')).toBe(3);
  });

  test.each<[string, FaultAction]>([
    ['503', { status: 503 }],
    ['resets', 'reset'],
    ['stalls', 'stall'],
    ['lost answers', 'lost-answer'],
  ])('ends as STORAGE_UNAVAILABLE after endless %s, and leaves nothing', async (_words, action) => {
    await becomeImpatient({ ...longPatience, deadlineMs: 150 });
    emulator.fault({ match: 'upload', action, times: 1_000_000 });
    await expect(put()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause: expect.anything() });
    expectNothing();
    await emulator.reset();
  });

  test('rejects when the name is taken, by the same bytes too, and leaves what is there', async () => {
    const { generation } = emulator.put(bucket, key, bytes);
    await expect(put()).rejects.toThrow('There is an object already');
    expect(emulator.objects(bucket).get(key)?.generation).toBe(generation);
  });

  test('that loses its answer to a name that was taken rejects', async () => {
    const { generation } = emulator.put(bucket, key, bytes);
    emulator.fault({ match: 'upload', action: 'lost-answer' });
    await expect(put()).rejects.toThrow('There is an object already');
    expect(emulator.objects(bucket).get(key)?.generation).toBe(generation);
  });

  test.each<[string, FaultAction]>([
    ['hangs', 'stall'],
    ['is slow', { stallMs: 80 }],
  ])('that is aborted while it %s rejects with the reason, and leaves nothing', async (_words, action) => {
    await becomeImpatient(longPatience);
    const reason = new Error('Not wanted any more');
    const controller = new AbortController();
    emulator.fault({ match: 'upload', action });
    const putting = expect(put(controller.signal)).rejects.toBe(reason);
    while (emulator.pendingFaults() > 0) await pause(2);
    controller.abort(reason);
    await putting;
    expectNothing();
  });
});

async function becomeImpatient(patience: typeof longPatience): Promise<void> {
  await storage.close();
  storage = await openOn(emulator, { patience, idleMs: stallMs });
}

function put(signal = new AbortController().signal): Promise<StoredObject> {
  return storage.put(key, streamOf(bytes), { contentType: 'image/png', filename: 'a.png', metadata: {}, signal });
}

function expectNothing(): void {
  expect([...emulator.objects(bucket).keys()]).toEqual([]);
}
