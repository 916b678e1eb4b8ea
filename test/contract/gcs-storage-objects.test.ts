import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GcsStorage } from '../../src/storage/gcs.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { bucket, expectAtRest, longPatience, openOn } from './gcs-emulated.ts';

const mebibyte = 1024 * 1024;
const { signal } = new AbortController();

let emulator: GcsEmulator;
let storage: GcsStorage;
let id: string;
let key: string;

beforeAll(async () => {
  const buckets = [{ name: bucket, uniformBucketLevelAccess: true }];
  emulator = await startGcsEmulator({ buckets, listPageLimit: 7 });
});
beforeEach(async () => {
  await emulator.reset();
  storage = await openOn(emulator, { chunkBytes: mebibyte, patience: longPatience });
  id = randomUUID();
  key = `${id}/original`;
});
afterEach(() => expectAtRest(emulator, storage));
afterAll(() => emulator.close());

describe('an object', () => {
  test.each([
    ['in one request', 1_000, 1],
    ['in chunks', 3 * mebibyte, 0],
  ])('that was sent %s has its type, its name for downloads and what was said of it', async (_words, sizeBytes, uploads) => {
    const metadata = { assetId: id, owner: 'u1' };
    const filename = 'Zoë’s “film” (1)*.mp4';
    await storage.put(key, streamOf(bytesOf(sizeBytes)), { contentType: 'video/mp4', filename, metadata, signal });
    expect(emulator.objects(bucket).get(key)).toMatchObject({
      size: sizeBytes,
      contentType: 'video/mp4',
      cacheControl: 'private, no-cache, no-transform',
      contentDisposition: "inline; filename*=UTF-8''Zo%C3%AB%E2%80%99s%20%E2%80%9Cfilm%E2%80%9D%20%281%29%2A.mp4",
      metadata: { ...metadata, 'mediakeep-upload': expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect(emulator.count('upload')).toBe(uploads);
  });

  test('has an address', () => {
    expect(storage.uriOf(key)).toBe(`gs://media/${key}`);
  });

  test.each([
    ['one chunk whose end is known with it', mebibyte, 0, { upload: 1, chunk: 0, final: 0 }],
    ['one chunk whose end comes later', mebibyte, 5, { upload: 0, chunk: 1, final: 1 }],
    ['two chunks whose end is known with them', 2 * mebibyte, 0, { upload: 0, chunk: 1, final: 1 }],
    ['two chunks whose end comes later', 2 * mebibyte, 5, { upload: 0, chunk: 2, final: 1 }],
    ['two chunks and a byte', 2 * mebibyte + 1, 0, { upload: 0, chunk: 2, final: 1 }],
  ])('of %s takes no more requests than it has to', async (_words, sizeBytes, pauseMs, requests) => {
    const bytes = bytesOf(sizeBytes);
    const source = streamOf(bytes, { chunkBytes: 512 * 1024, pauseMs });
    await storage.put(key, source, { contentType: 'video/mp4', filename: 'a', metadata: {}, signal });
    const counted = { upload: emulator.count('upload'), chunk: emulator.count('chunk'), final: emulator.count('final') };
    expect(counted).toEqual(requests);
    expect(emulator.objects(bucket).get(key)?.data().equals(bytes)).toBe(true);
  });

  test.each([0, 100, 256 * 1024 + 1, -256 * 1024])('cannot be sent in chunks of %i bytes', async (chunkBytes) => {
    await expect(openOn(emulator, { chunkBytes })).rejects.toThrow('multiple of 262144');
  });
});

describe('reading', () => {
  test('is tried again after a 503, a reset and a stall', async () => {
    emulator.put(bucket, key, bytesOf(1_000));
    for (const action of [{ status: 503 }, 'reset', 'stall'] as const) emulator.fault({ match: 'download', action });
    const stream = await storage.read(key, { signal, range: { start: 10, end: 19 } });
    expect(Buffer.concat(await stream.toArray())).toEqual(bytesOf(1_000).subarray(10, 20));
    expect(emulator.pendingFaults()).toBe(0);
  });

  test.each([0, 1, 500_000])(
    'a connection that breaks after %i bytes fails the stream, and never ends it',
    async (truncateAfterBytes) => {
      emulator.put(bucket, key, bytesOf(mebibyte));
      emulator.fault({ match: 'download', action: { truncateAfterBytes } });
      const stream = await storage.read(key, { signal });
      await expect(stream.toArray()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    },
  );

  test('may be slow: a reader that rests longer than a connection may be idle still gets every byte', async () => {
    const bytes = bytesOf(20 * mebibyte);
    emulator.put(bucket, key, bytes);
    const stream = await storage.read(key, { signal });
    const pieces: Buffer[] = [];
    for await (const piece of stream) {
      if (pieces.length % 60 === 0) await pause(400);
      pieces.push(piece);
      if (pieces.length > 120) break;
    }
    expect(Buffer.concat(pieces).equals(bytes.subarray(0, Buffer.concat(pieces).length))).toBe(true);
  });

  test('that is aborted at any moment leaks nothing, and rejects or fails with the reason', async () => {
    const bytes = bytesOf(4 * mebibyte);
    emulator.put(bucket, key, bytes);
    const reads = Array.from({ length: 100 }, async (_, index) => {
      const reason = new Error(`Abort ${index}`);
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), (index * 7) % 150);
      const reading = storage.read(key, { signal: controller.signal }).then((stream) => stream.toArray());
      const ended = await reading.then((pieces) => Buffer.concat(pieces).equals(bytes)).catch((error: unknown) => error);
      expect([true, reason]).toContain(ended);
      return ended === reason;
    });
    expect((await Promise.all(reads)).filter(Boolean).length).toBeGreaterThan(20);
  });
});

describe('removing', () => {
  test('takes every object of an asset over several pages, a few at a time, by its generation', async () => {
    for (let index = 0; index < 40; index += 1) emulator.put(bucket, `${id}/${index}`, Buffer.from('x'));
    emulator.put(bucket, `${id}0/other`, Buffer.from('x'));
    let running = 0;
    let most = 0;
    emulator.fault({
      match: ({ kind }) => {
        most = Math.max(most, kind === 'delete' ? emulator.openRequests() : 0);
        running += kind === 'delete' ? 1 : 0;
        return false;
      },
      action: 'reset',
    });
    await storage.removeAll(`${id}/`, signal);
    expect([...emulator.objects(bucket).keys()]).toEqual([`${id}0/other`]);
    expect(emulator.count('list')).toBe(6);
    expect(running).toBe(40);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
    const deletions = emulator.requests.filter(({ kind }) => kind === 'delete');
    expect(deletions.every(({ query }) => /^\d+$/.test(query.ifGenerationMatch ?? ''))).toBe(true);
  });

  test('leaves what has taken the place of an object since it was listed', async () => {
    emulator.put(bucket, key, Buffer.from('old'));
    emulator.fault({
      match: ({ kind }) => {
        if (kind === 'delete') emulator.put(bucket, key, Buffer.from('newer'));
        return false;
      },
      action: 'reset',
    });
    await storage.removeAll(`${id}/`, signal);
    expect(emulator.objects(bucket).get(key)?.data().toString()).toBe('newer');
  });

  test('recovers from faults on its way, and minds none that a lost answer left gone', async () => {
    for (let index = 0; index < 10; index += 1) emulator.put(bucket, `${id}/${index}`, Buffer.from('x'));
    emulator.fault({ match: 'list', action: { status: 503 } });
    for (const action of ['lost-answer', 'reset', 'stall', { status: 500 }] as const) emulator.fault({ match: 'delete', action });
    await storage.removeAll(`${id}/`, signal);
    expect(emulator.objects(bucket).size).toBe(0);
    expect(emulator.pendingFaults()).toBe(0);
  });

  test('stops as a whole when one object cannot be removed', async () => {
    for (let index = 0; index < 7; index += 1) emulator.put(bucket, `${id}/${index}`, Buffer.from('x'));
    emulator.fault({ match: 'delete', action: { status: 403 }, times: 7 });
    await expect(storage.removeAll(`${id}/`, signal)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(emulator.openRequests()).toBe(0);
  });
});

describe('opening', () => {
  const hidden = [
    'STORAGE_EMULATOR_HOST',
    'GOOGLE_APPLICATION_CREDENTIALS',
    'METADATA_SERVER_DETECTION',
    'HOME',
    'CLOUDSDK_CONFIG',
  ];
  const before = Object.fromEntries(hidden.map((name) => [name, process.env[name]]));

  beforeEach(() => {
    for (const name of hidden) delete process.env[name];
    Object.assign(process.env, { METADATA_SERVER_DETECTION: 'none', HOME: '/nonexistent', CLOUDSDK_CONFIG: '/nonexistent' });
  });
  afterEach(() => {
    for (const name of hidden) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  test('at Google needs credentials', async () => {
    const opening = GcsStorage.open({ bucket, projectId: 'test-project', apiEndpoint: undefined, delivery: 'redirect' });
    await expect(opening).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause: expect.anything() });
  });

  test('at an emulator does not: requests go out unsigned, and links are proxied', async () => {
    const lax = await startGcsEmulator({ buckets: [{ name: bucket }], requireAuth: false });
    const unsigned = await GcsStorage.open({ bucket, projectId: undefined, apiEndpoint: `${lax.url}/`, delivery: 'redirect' });
    await unsigned.put(key, streamOf(bytesOf(3)), { contentType: 'image/png', filename: 'a', metadata: {}, signal });
    expect(await unsigned.stat(key, signal)).toMatchObject({ sizeBytes: 3 });
    expect(lax.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    const about = { contentType: 'image/png', contentDisposition: 'inline', expiresAt: new Date(Date.now() + 60_000) };
    expect(await unsigned.downloadUrl(key, about)).toBeUndefined();
    await unsigned.close();
    await lax.close();
  });

  test('does not follow STORAGE_EMULATOR_HOST, not even to sign', async () => {
    process.env.STORAGE_EMULATOR_HOST = 'http://127.0.0.1:9';
    const steady = await openOn(emulator);
    await steady.check(signal);
    const about = { contentType: 'image/png', contentDisposition: 'inline', expiresAt: new Date(Date.now() + 60_000) };
    expect(await steady.downloadUrl(key, about)).toMatch(emulator.url);
    await steady.close();
  });
});

test('closing twice, at once, is one closing', async () => {
  const twice = await openOn(emulator);
  await twice.check(signal);
  await Promise.all([twice.close(), twice.close()]);
  await twice.close();
});
