import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GoogleAuth, OAuth2Client } from 'google-auth-library';
import type { DownloadOptions } from '../../src/media/ports.ts';
import type { GcsStorage } from '../../src/storage/gcs.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { send } from '../support/gcs-emulator/wire.ts';
import { bucket, openOn, shortPatience, signedIn } from './gcs-emulated.ts';

const minute = 60_000;
/** The middle of a window of five minutes, tomorrow: the official client signs nothing that is over. */
const now = Math.floor(Date.now() / (5 * minute)) * 5 * minute + 24 * 60 * minute + 2.5 * minute;

let emulator: GcsEmulator;
let storage: GcsStorage;
let key: string;
let clockMs: number | undefined;

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: bucket }] });
});
beforeEach(async () => {
  await emulator.reset();
  clockMs = undefined;
  storage = await openOn(emulator, { clock });
  key = `${randomUUID()}/original`;
  emulator.put(bucket, key, Buffer.from('hello'), { contentType: 'application/octet-stream' });
});
afterEach(() => storage.close());
afterAll(() => emulator.close());

describe('a signed link', () => {
  test('gives the bytes to whoever holds it, with the type and the name that were asked for', async () => {
    const answer = await send({ url: await linkTo(key) });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hello']);
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': "inline; filename*=UTF-8''Zo%C3%AB.png",
    });
  });

  test.each([
    ['another object', (url: string) => url.replace('original', 'other')],
    ['another type', (url: string) => url.replace('image%2Fpng', 'text%2Fhtml')],
    ['a longer life', (url: string) => url.replace(/X-Goog-Expires=\d+/, 'X-Goog-Expires=604800')],
  ])('gives nothing once it was changed to %s', async (_words, change) => {
    const url = await linkTo(key);
    expect(change(url)).not.toBe(url);
    expect((await send({ url: change(url) })).status).toBe(403);
  });

  test('lives ten to fifteen minutes', async () => {
    clockMs = now;
    expect(endOf(await linkTo(key))).toBe(now + 12.5 * minute);
    clockMs = now + 2.5 * minute - 1;
    expect(endOf(await linkTo(key))).toBe(now + 12.5 * minute);
    clockMs = now + 2.5 * minute;
    expect(endOf(await linkTo(key))).toBe(now + 17.5 * minute);
  });

  test.each([1_000, 1_999, 61_234, 9 * minute])('that must end in %i ms ends by then', async (lifeMs) => {
    clockMs = now;
    const end = endOf(await linkTo(key, { expiresAt: new Date(now + lifeMs) }));
    expect(end).toBeLessThanOrEqual(now + lifeMs);
    expect(end).toBeGreaterThan(now + lifeMs - 1_000);
  });

  test('differs by name and type', async () => {
    const links = [linkTo(key), linkTo(key, { contentType: 'image/webp' }), linkTo(key, { contentDisposition: 'attachment' })];
    expect(new Set(await Promise.all(links)).size).toBe(3);
  });

  test('is not given where bytes are proxied', async () => {
    const proxying = await openOn(emulator, { delivery: 'proxy' });
    expect(await proxying.downloadUrl(key, aboutLink())).toBeUndefined();
    await proxying.close();
  });
});

describe('without a key of its own, the account', () => {
  let keyless: GcsStorage;

  beforeEach(async () => {
    keyless = await openOn(emulator, { auth: withoutKey(), clock });
  });
  afterEach(async () => {
    await keyless.close();
    await emulator.down('refuse');
    await emulator.up();
  });

  test('has the IAM Credentials API sign', async () => {
    const url = await keyless.downloadUrl(key, aboutLink());
    expect((await send({ url: url ?? '' })).body.toString()).toBe('hello');
    expect(emulator.count('sign')).toBe(1);
  });

  test('has it sign once a window, and everybody gets the same link', async () => {
    clockMs = now;
    const first = await Promise.all(Array.from({ length: 20 }, () => keyless.downloadUrl(key, aboutLink())));
    clockMs = now + 2 * minute;
    const again = await keyless.downloadUrl(key, aboutLink());
    expect(new Set([...first, again]).size).toBe(1);
    expect(emulator.count('sign')).toBe(1);
    clockMs = now + 3 * minute;
    expect(await keyless.downloadUrl(key, aboutLink())).not.toBe(again);
    expect(emulator.count('sign')).toBe(2);
  });

  test.each<[string, Parameters<GcsEmulator['fault']>[0]['action']]>([
    ['does not answer', 'stall'],
    ['refuses', { status: 403 }],
  ])('rejects when that %s, and signs again as soon as it can', async (_words, action) => {
    emulator.fault({ match: 'sign', action });
    const start = performance.now();
    await expect(keyless.downloadUrl(key, aboutLink())).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: 'The storage does not answer. Please try again later.',
      cause: { message: expect.stringMatching(/sign/i) },
    });
    expect(performance.now() - start).toBeLessThan(shortPatience.callMs + 1_000);
    expect(await keyless.downloadUrl(key, aboutLink())).toContain('X-Goog-Signature');
  });
});

function linkTo(name: string, options: Partial<DownloadOptions> = {}): Promise<string> {
  return storage.downloadUrl(name, aboutLink(options)).then((url) => url ?? 'no link');
}

function aboutLink(options: Partial<DownloadOptions> = {}): DownloadOptions {
  const expiresAt = new Date(clock().getTime() + 60 * minute);
  return { contentType: 'image/png', contentDisposition: "inline; filename*=UTF-8''Zo%C3%AB.png", expiresAt, ...options };
}

/** When a link ends, in milliseconds since 1970. */
function endOf(url: string): number {
  const { searchParams } = new URL(url);
  const [, year, month, day, hour, minutes, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(searchParams.get('X-Goog-Date') ?? '') ?? [];
  const begins = Date.parse(`${year}-${month}-${day}T${hour}:${minutes}:${second}Z`);
  return begins + Number(searchParams.get('X-Goog-Expires')) * 1000;
}

function clock(): Date {
  return new Date(clockMs ?? Date.now());
}

/** As on a machine with an attached service account: a token, but no key. The library's own address for signatures is led to the emulator. */
function withoutKey(): GoogleAuth {
  const authClient = new OAuth2Client({ transporterOptions: { timeout: shortPatience.callMs } });
  authClient.setCredentials({ access_token: emulator.accessToken, expiry_date: Date.now() + 60 * minute });
  authClient.transporter.interceptors.request.add({
    resolved: async (request) => {
      if (request.url.host === 'iamcredentials.googleapis.com') request.url = new URL(request.url.pathname, emulator.url);
      return request;
    },
  });
  const auth = signedIn(emulator);
  auth.cachedCredential = authClient;
  return auth;
}
