import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GoogleAuth, JWT } from 'google-auth-library';
import type { GcsStorage } from '../../src/storage/gcs.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { testServiceAccount } from '../support/gcs-emulator/service-account.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { bucket, expectAtRest, longPatience, openOn, shortPatience } from './gcs-emulated.ts';

const mebibyte = 1024 * 1024;
const { signal } = new AbortController();
const small = bytesOf(1_000);
const large = bytesOf(3 * mebibyte);

let emulator: GcsEmulator;
let storage: GcsStorage;
let key: string;

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: bucket, uniformBucketLevelAccess: true }] });
});
beforeEach(async () => {
  await emulator.reset();
  storage = await openOn(emulator, { chunkBytes: mebibyte });
  key = `${randomUUID()}/original`;
});
afterEach(async () => {
  await emulator.up();
  await expectAtRest(emulator, storage);
});
afterAll(() => emulator.close());

/** Every call of the port that speaks to the bucket. */
const calls: [string, (to: GcsStorage, within?: AbortSignal) => Promise<unknown>][] = [
  ['a small put', (to) => put(to, small)],
  ['a large put', (to) => put(to, large)],
  ['read', async (to, within = signal) => await (await to.read(key, { signal: within })).toArray()],
  ['stat', (to, within = signal) => to.stat(key, within)],
  ['removeAll', (to, within = signal) => to.removeAll(key.slice(0, 37), within)],
  ['check', (to, within = signal) => to.check(within)],
];

describe.each(['hang', 'refuse'] as const)('while the bucket is down (%s)', (how) => {
  test.each(calls)('%s rejects within its patience, and works again afterwards', async (words, call) => {
    await emulator.down(how);
    const start = performance.now();
    await expectUnavailable(call(storage));
    const { callMs, deadlineMs } = shortPatience;
    // The first call, the patience, the last call, and what a put takes to tidy up; the second is for a busy machine.
    expect(performance.now() - start).toBeLessThan(4 * callMs + deadlineMs + 1_000);
    await emulator.up();
    if (words === 'read') emulator.put(bucket, key, small);
    await call(storage);
  });
});

test('calls to a bucket that hangs reject with the reason as soon as they are called off', async () => {
  await emulator.down('hang');
  const patient = await openOn(emulator, { patience: { ...shortPatience, callMs: 60_000 }, idleMs: 60_000 });
  const reason = new Error('Not wanted any more');
  const controller = new AbortController();
  const asking = Promise.allSettled(calls.slice(2).map(([, call]) => call(patient, controller.signal)));
  await pause(50);
  controller.abort(reason);
  expect(await asking).toEqual(Array.from({ length: 4 }, () => ({ status: 'rejected', reason })));
  await expectAtRest(emulator, patient);
});

test('a call that waits for a free connection has the same limit', async () => {
  await emulator.down('hang');
  const narrow = await openOn(emulator, { maxSockets: 1, idleMs: 60_000 });
  const start = performance.now();
  await Promise.all(Array.from({ length: 5 }, () => expectUnavailable(narrow.check(signal))));
  expect(performance.now() - start).toBeLessThan(shortPatience.callMs + 500);
  await emulator.up();
  await narrow.check(signal);
  await expectAtRest(emulator, narrow);
});

describe('a bucket that says when to come back', () => {
  test('is left alone until then', async () => {
    emulator.fault({ match: 'metadata', action: { status: 503, headers: { 'retry-after': '1' } } });
    const patient = await openOn(emulator, { patience: longPatience });
    const start = performance.now();
    expect(await patient.stat(key, signal)).toBeUndefined();
    expect(performance.now() - start).toBeGreaterThan(990);
    await expectAtRest(emulator, patient);
  });

  test('later than patience lasts is not waited for', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    emulator.fault({ match: 'metadata', action: { status: 429, headers: { 'retry-after': date } } });
    await expectUnavailable(storage.stat(key, signal), 'answered 429');
    expect(emulator.count('metadata')).toBe(1);
  });
});

describe.each([401, 403])('when the bucket answers %i', (status) => {
  test.each(calls)('%s rejects at once, with the cause for the log', async (_words, call) => {
    emulator.fault({ match: (record) => record.kind !== 'unknown', action: { status }, times: 1_000 });
    await expectUnavailable(call(storage), `answered ${status}`);
  });
});

describe('when there is no such bucket', () => {
  test.each(calls)('%s rejects, and does not say that the object is missing', async (_words, call) => {
    const lost = await openOn(emulator, { bucket: 'another' });
    await expectUnavailable(call(lost), 'answered 404');
    await expectAtRest(emulator, lost);
  });
});

describe('credentials', () => {
  test('are asked for a token once, and then used until it expires', async () => {
    const withToken = await openOn(emulator, { auth: askingForTokens() });
    for (const [, call] of calls.slice(3)) await call(withToken);
    expect(emulator.count('token')).toBe(1);
    await withToken.close();
    await closeIdleTokenConnections();
  });

  test.each(['stall', 'reset'] as const)('that give no token (%s) make every call reject within its patience', async (action) => {
    const withToken = await openOn(emulator, { auth: askingForTokens() });
    emulator.fault({ match: 'token', action, times: 1_000 });
    for (const [, call] of calls) await expectUnavailable(call(withToken), 'token');
    await withToken.close();
    await closeIdleTokenConnections();
  });

  test('that are refused a token make calls reject at once', async () => {
    const withToken = await openOn(emulator, { auth: askingForTokens(testServiceAccount(emulator.url).private_key) });
    await expectUnavailable(withToken.check(signal), 'The credentials give no token');
    await withToken.close();
    await closeIdleTokenConnections();
  });

  test('that the bucket does not accept make calls reject', async () => {
    const client = new JWT({ email: emulator.serviceAccount.client_email, key: testServiceAccount(emulator.url).private_key });
    client.scopes = ['https://www.googleapis.com/auth/cloud-platform'];
    client.useJWTAccessWithScope = true;
    const stranger = await openOn(emulator, { auth: new GoogleAuth({ authClient: client }) });
    await expectUnavailable(stranger.check(signal), 'answered 401');
    await expectAtRest(emulator, stranger);
  });
});

function put(to: GcsStorage, bytes: Buffer): Promise<unknown> {
  const options = { contentType: 'image/png', filename: 'a.png', metadata: {}, signal };
  return to.put(`${key.slice(0, 37)}${randomUUID()}`, streamOf(bytes), options);
}

async function expectUnavailable(call: Promise<unknown>, cause = ''): Promise<void> {
  await expect(call).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: 'The storage does not answer. Please try again later.',
    cause: { message: expect.stringContaining(cause) },
  });
}

/** The emulator's account, or one with another key, that asks the emulator for tokens: the library itself asks Google whatever the key file says. */
function askingForTokens(key = emulator.serviceAccount.private_key): GoogleAuth {
  const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
  const authClient = new JWT({
    email: emulator.serviceAccount.client_email,
    key,
    scopes,
    transporterOptions: { timeout: shortPatience.callMs },
  });
  authClient.transporter.interceptors.request.add({
    resolved: async (request) => {
      if (request.url.href === 'https://oauth2.googleapis.com/token') request.url = new URL(emulator.serviceAccount.token_uri);
      return request;
    },
  });
  return new GoogleAuth({ authClient });
}

/** The library keeps its connection for the next token; the emulator has to end it, or the next test would count it. */
async function closeIdleTokenConnections(): Promise<void> {
  await emulator.down('refuse');
  await emulator.up();
}
