import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { AnnouncedUpload } from '../../src/media/ports.ts';
import type { GcsStorage } from '../../src/storage/gcs.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { send } from '../support/gcs-emulator/wire.ts';
import { HttpSender } from '../support/session-sender.ts';
import { bytesOf } from './byte-sources.ts';
import { bucket, expectAtRest, openOn, shortPatience } from './gcs-emulated.ts';

const page = 'https://app.example';
const bytes = bytesOf(1000);
const { signal } = new AbortController();

let emulator: GcsEmulator;
let storage: GcsStorage;
let key: string;

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: bucket, uniformBucketLevelAccess: true }] });
});
beforeEach(async () => {
  await emulator.reset();
  storage = await openOn(emulator);
  key = `${randomUUID()}/original`;
});
afterEach(async () => {
  await emulator.up();
  await expectAtRest(emulator, storage);
});
afterAll(() => emulator.close());

const announced = (change: Partial<AnnouncedUpload> = {}): AnnouncedUpload => ({
  sizeBytes: bytes.length,
  contentType: 'image/png',
  filename: 'größe.png',
  metadata: { assetId: key.slice(0, 36) },
  origin: page,
  signal,
  ...change,
});

async function open(change: Partial<AnnouncedUpload> = {}): Promise<string> {
  const uri = await storage.sessions.open(key, announced(change));
  if (uri === undefined) throw new Error('The bucket gave no URI');
  return uri;
}

const cancel = (uri: string | undefined, within = signal): Promise<void> => storage.sessions.cancel(key, uri, within);

describe('opening a session in a bucket', () => {
  test('settles beforehand what a put would: name, type, headers, metadata', async () => {
    await new HttpSender(await open()).send(bytes, { offset: 0, totalBytes: bytes.length });
    const object = emulator.objects(bucket).get(key);
    expect(object).toMatchObject({
      contentType: 'image/png',
      cacheControl: 'private, no-cache, no-transform',
      contentDisposition: "inline; filename*=UTF-8''gr%C3%B6%C3%9Fe.png",
      metadata: { assetId: key.slice(0, 36) },
    });
  });

  test('pins the size: neither a byte more nor a byte less becomes an object', async () => {
    for (const sizeBytes of [bytes.length - 1, bytes.length + 1]) {
      const sender = new HttpSender(await open({ sizeBytes }));
      expect(await sender.send(bytes, { offset: 0, totalBytes: bytes.length })).toBe('refused');
      await sender.cancel();
    }
    expect(emulator.objects(bucket).size).toBe(0);
  });

  test('lets the page send that asked for it, and no other', async () => {
    const uri = await open();
    const headers = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-range,x-goog-hash' };
    const preflight = (origin: string) => send({ url: uri, method: 'OPTIONS', headers: { ...headers, origin } });
    expect((await preflight(page)).headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-headers': 'content-range, x-goog-hash',
    });
    expect((await preflight('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
    const answer = await send({ url: uri, method: 'PUT', headers: { origin: page }, body: bytes });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, page]);
  });

  test('without a page nobody but a program can send', async () => {
    const uri = await open({ origin: undefined });
    const asked = await send({ url: uri, method: 'PUT', headers: { origin: page, 'content-range': 'bytes */*' } });
    expect(asked.headers['access-control-allow-origin']).toBeUndefined();
    await cancel(uri);
  });

  test('gives a URI that needs no token of ours', async () => {
    expect(await new HttpSender(await open()).send(bytes, { offset: 0, totalBytes: bytes.length })).toBe('finished');
  });

  test('tries again after a failure, and gives up with STORAGE_UNAVAILABLE after its patience', async () => {
    emulator.fault({ match: 'start', action: { status: 503 }, times: 2 });
    await cancel(await open());
    await emulator.down('refuse');
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  test('called off while the bucket thinks, it rejects at once, and ends the session that comes of it', async () => {
    emulator.fault({ match: 'start', action: { stallMs: 200 } });
    const controller = new AbortController();
    const reason = new Error('The client is gone');
    const opening = expect(open({ signal: controller.signal })).rejects.toBe(reason);
    await pause(50);
    controller.abort(reason);
    await opening;
  });

  test('called off before, it asks for nothing', async () => {
    const reason = new Error('The client is gone');
    await expect(open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(emulator.count('start')).toBe(0);
  });
});

describe('cancelling a session in a bucket', () => {
  test.each([
    ['is finished', (uri: string) => new HttpSender(uri).send(bytes, { offset: 0, totalBytes: bytes.length })],
    ['was cancelled before', (uri: string) => new HttpSender(uri).cancel()],
    ['is unknown', async () => await emulator.reset()],
  ])('that %s is no error', async (_words, prepare) => {
    const uri = await open();
    await prepare(uri);
    await expect(cancel(uri)).resolves.toBeUndefined();
  });

  test('does nothing without a URI', async () => {
    await expect(cancel(undefined)).resolves.toBeUndefined();
  });

  test('tries again after a failure', async () => {
    const uri = await open();
    emulator.fault({ match: 'cancel', action: { status: 503 }, times: 2 });
    await cancel(uri);
    expect(emulator.liveSessions()).toEqual([]);
  });

  test.each(['refuse', 'hang'] as const)('does not say that it is over when the bucket does not answer (%s)', async (how) => {
    const uri = await open();
    await emulator.down(how);
    const startMs = performance.now();
    await expect(cancel(uri)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(performance.now() - startMs).toBeLessThan(2 * shortPatience.callMs + shortPatience.deadlineMs + 1_000);
    await emulator.up();
    await cancel(uri);
  });

  test('does not say so either when the bucket will not hear of it', async () => {
    const uri = await open();
    emulator.fault({ match: 'cancel', action: { status: 403 } });
    await expect(cancel(uri)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await cancel(uri);
  });

  test('rejects with the reason when it is called off', async () => {
    const uri = await open();
    const reason = new Error('Not wanted any more');
    await expect(cancel(uri, AbortSignal.abort(reason))).rejects.toBe(reason);
    await cancel(uri);
  });

  test('names the session to nobody', async () => {
    const uri = await open();
    await emulator.down('refuse');
    const failure: Error = await cancel(uri).then(
      () => new Error('It did not fail'),
      (error: Error) => error,
    );
    const { searchParams } = new URL(uri);
    const told = [failure, failure.cause, (failure.cause as Error).cause].map((each) => `${(each as Error)?.stack}`).join();
    expect(told).not.toContain(searchParams.get('upload_id') ?? '');
    await emulator.up();
    await cancel(uri);
  });
});
