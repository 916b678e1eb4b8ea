import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Patience } from '../../src/client/retry.ts';
import { sender } from '../../src/client/send.ts';
import { type Held, SessionGone, sendToSession } from '../../src/client/session-transfer.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { openSession, patternBytes, put, QUANTUM } from '../support/gcs-emulator/session-client.ts';
import { send } from '../support/gcs-emulator/wire.ts';

let emulator: GcsEmulator;
const data = patternBytes(5 * QUANTUM + 1000);
const file = new Blob([new Uint8Array(data)]);

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: 'media' }] });
});
beforeEach(() => emulator.reset());
afterAll(() => emulator.close());

const stored = (): Buffer | undefined => emulator.objects('media').get('clip')?.data();
const dataRequests = (): number => emulator.count('chunk') + emulator.count('final');

interface Attempt {
  readonly uri: string;
  readonly body?: Blob;
  readonly from?: Held;
  readonly signal?: AbortSignal;
  readonly chunkBytes?: number;
}

/** Sends in chunks of 512 KiB, and tells what was reported. */
async function transfer({ uri, body = file, from, signal, chunkBytes = 2 * QUANTUM }: Attempt) {
  const sent: number[] = [];
  const held: Held[] = [];
  const outcome = await sendToSession({
    send: sender(undefined),
    session: { url: uri, headers: {}, chunkBytes },
    file: body,
    from,
    patience: new Patience({ attempts: 3, minDelayMs: 1 }, signal),
    signal,
    onSent: (bytes) => sent.push(bytes),
    onHeld: (each) => held.push(each),
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { outcome, sent, held };
}

describe('a session transfer', () => {
  test('sends chunk by chunk, and tells what is on its way and what is held', async () => {
    const { outcome, sent, held } = await transfer({ uri: await openSession(emulator) });
    expect(outcome).toBeUndefined();
    expect(stored()?.equals(data)).toBe(true);
    expect(held.map(({ heldBytes }) => heldBytes)).toEqual([2 * QUANTUM, 4 * QUANTUM]);
    expect(sent.length).toBeGreaterThan(10);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(dataRequests()).toBe(3);
  });

  test.each([
    ['a file of whole chunks', 4 * QUANTUM],
    ['a file of one byte', 1],
    ['an empty file', 0],
  ])('takes %s', async (_what, sizeBytes) => {
    const { outcome } = await transfer({ uri: await openSession(emulator), body: file.slice(0, sizeBytes) });
    expect(outcome).toBeUndefined();
    expect(stored()?.equals(data.subarray(0, sizeBytes))).toBe(true);
  });

  test('goes on from what is held after a broken connection, and sends no more than a chunk twice', async () => {
    emulator.fault({ match: 'data', action: 'reset', afterBytes: 3 * QUANTUM + 5 });
    const { outcome } = await transfer({ uri: await openSession(emulator) });
    expect(outcome).toBeUndefined();
    expect(stored()?.equals(data)).toBe(true);
    expect(emulator.pendingFaults()).toBe(0);
    const ranges = emulator.requests.map(({ headers }) => headers['content-range']).filter((range) => range !== undefined);
    expect(ranges).toEqual([
      `bytes 0-${2 * QUANTUM - 1}/${data.length}`,
      `bytes ${2 * QUANTUM}-${4 * QUANTUM - 1}/${data.length}`,
      `bytes */${data.length}`,
      `bytes ${3 * QUANTUM}-${5 * QUANTUM - 1}/${data.length}`,
      `bytes ${5 * QUANTUM}-${data.length - 1}/${data.length}`,
    ]);
  });

  test('finds the object when the last answer got lost', async () => {
    emulator.fault({ match: 'final', action: 'lost-answer' });
    expect((await transfer({ uri: await openSession(emulator) })).outcome).toBeUndefined();
    expect(stored()?.equals(data)).toBe(true);
  });

  test('bears a storage that takes nothing, is busy or stumbles, for a while', async () => {
    for (const action of ['no-progress', { status: 503 }, { status: 500 }, { status: 429 }, { status: 408 }] as const) {
      emulator.fault({ match: 'data', action, afterBytes: 2 * QUANTUM + 1 });
      expect((await transfer({ uri: await openSession(emulator) })).outcome).toBeUndefined();
      expect(emulator.pendingFaults()).toBe(0);
      await emulator.reset();
    }
    emulator.fault({ match: 'data', action: { status: 503 }, times: 9 });
    const { outcome } = await transfer({ uri: await openSession(emulator) });
    expect(outcome).toMatchObject({ name: 'MediakeepError', status: 503 });
    expect(dataRequests()).toBe(3);
  });

  test('counts only failures in a row, so that a long upload may fail often', async () => {
    for (const chunk of [0, 1, 2, 3, 4]) emulator.fault({ match: 'data', action: 'reset', afterBytes: chunk * QUANTUM + 1 });
    const uri = await openSession(emulator);
    expect((await transfer({ uri, chunkBytes: QUANTUM })).outcome).toBeUndefined();
    expect(emulator.pendingFaults()).toBe(0);
    expect(stored()?.equals(data)).toBe(true);
  });

  test('says when the session is gone, and when what is refused will not be taken later', async () => {
    emulator.fault({ match: 'data', action: 'expire', afterBytes: QUANTUM });
    expect((await transfer({ uri: await openSession(emulator) })).outcome).toBeInstanceOf(SessionGone);
    const uri = await openSession(emulator);
    await send({ url: uri, method: 'DELETE' });
    expect((await transfer({ uri })).outcome).toBeInstanceOf(SessionGone);
    emulator.fault({ match: 'data', action: { status: 403 } });
    expect((await transfer({ uri: await openSession(emulator) })).outcome).toMatchObject({ status: 403 });
  });

  test('stops when it is told to, and goes on later where it was', async () => {
    const uri = await openSession(emulator);
    const stop = new AbortController();
    emulator.fault({ match: 'data', action: 'stall', afterBytes: 3 * QUANTUM });
    const first = transfer({ uri, signal: stop.signal });
    while (emulator.pendingFaults() > 0 || dataRequests() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error('Later'));
    const { outcome, held } = await first;
    expect(outcome).toEqual(new Error('Later'));
    const sentBefore = dataRequests();
    const second = await transfer({ uri, from: held.at(-1) ?? { heldBytes: 0, crc32c: 0 } });
    expect(second.outcome).toBeUndefined();
    expect(second.held[0]?.heldBytes).toBe(3 * QUANTUM);
    expect(stored()?.equals(data)).toBe(true);
    expect(dataRequests()).toBe(sentBefore + 2);
  });

  test('does not take for its file what is another’s', async () => {
    // The bytes before are those of another file, as when it changed between two visits.
    const uri = await openSession(emulator);
    const other = Buffer.from(data);
    other[5] = 99;
    await put(uri, `bytes 0-${2 * QUANTUM - 1}/${data.length}`, other.subarray(0, 2 * QUANTUM));
    const { outcome } = await transfer({ uri, from: { heldBytes: 0, crc32c: 0 } });
    expect(outcome).toMatchObject({ code: 'CORRUPTED' });
  });

  test('says when the file can no longer be read', async () => {
    const shrinking = { size: data.length, slice: (start: number) => new Blob([new Uint8Array(data.subarray(start, 0))]) };
    const body = Object.assign(Object.create(Blob.prototype), { slice: shrinking.slice });
    Object.defineProperty(body, 'size', { value: shrinking.size });
    const uri = await openSession(emulator);
    await put(uri, `bytes 0-${2 * QUANTUM - 1}/${data.length}`, data.subarray(0, 2 * QUANTUM));
    const { outcome } = await transfer({ uri, body, from: { heldBytes: 0, crc32c: 0 } });
    expect(outcome).toMatchObject({ code: 'UNREADABLE' });
  });
});
