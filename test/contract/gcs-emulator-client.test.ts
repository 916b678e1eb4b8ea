import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GoogleAuth, JWT } from 'google-auth-library';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { type ServiceAccount, testServiceAccount } from '../support/gcs-emulator/service-account.ts';
import { patternBytes, put, QUANTUM } from '../support/gcs-emulator/session-client.ts';
import { send } from '../support/gcs-emulator/wire.ts';

const data = patternBytes(3 * QUANTUM + 1000);
let emulator: GcsEmulator;
let open: GcsEmulator;

beforeAll(async () => {
  const buckets = [{ name: 'media', uniformBucketLevelAccess: true }];
  emulator = await startGcsEmulator({ buckets, listPageLimit: 2 });
  open = await startGcsEmulator({ buckets, requireAuth: false });
});
beforeEach(() => Promise.all([emulator.reset(), open.reset()]));
afterAll(() => Promise.all([emulator.close(), open.close()]));

describe('the official client, signed in with the test account', () => {
  test('gets a token once and reads a bucket', async () => {
    const bucket = clientOf(emulator).bucket('media');
    const [metadata] = await bucket.getMetadata();
    const [permissions] = await bucket.iam.testPermissions(['storage.objects.create']);
    expect(metadata.iamConfiguration?.uniformBucketLevelAccess?.enabled).toBe(true);
    expect(permissions).toEqual({ 'storage.objects.create': true });
    expect(emulator.count('token')).toBe(1);
  });

  test('is refused when its key is not the account key', async () => {
    const stranger = clientOf(emulator, testServiceAccount(emulator.url));
    await expect(stranger.bucket('media').getMetadata()).rejects.toThrow('invalid_grant');
  });

  test('opens a session that anybody with its URI can fill', async () => {
    const file = clientOf(emulator).bucket('media').file('dir/clip.mp4');
    const [uri] = await file.createResumableUpload({
      metadata: { contentType: 'video/mp4', contentLength: data.length, metadata: { owner: 'u1' } },
      preconditionOpts: { ifGenerationMatch: 0 },
      origin: 'https://app.example',
    });
    expect((await put(uri, undefined, data)).status).toBe(200);
    const [metadata] = await file.getMetadata();
    expect(metadata).toMatchObject({
      name: 'dir/clip.mp4',
      contentType: 'video/mp4',
      metadata: { owner: 'u1' },
      size: String(data.length),
    });
    await expect(file.createResumableUpload({ preconditionOpts: { ifGenerationMatch: 0 } })).rejects.toMatchObject({
      status: 412,
    });
  });

  test('resumes a session by its URI, in chunks', async () => {
    const file = clientOf(emulator).bucket('media').file('clip');
    const [uri] = await file.createResumableUpload({ preconditionOpts: { ifGenerationMatch: 0 } });
    await pipeline(Readable.from([data]), file.createWriteStream({ uri, chunkSize: QUANTUM, validation: 'crc32c' }));
    expect(emulator.objects('media').get('clip')?.data().equals(data)).toBe(true);
    expect([emulator.count('chunk'), emulator.count('final')]).toEqual([3, 1]);
  });

  test('lists page by page', async () => {
    for (let i = 0; i < 5; i += 1) emulator.put('media', `p/${i}`, Buffer.from('x'));
    const [files] = await clientOf(emulator).bucket('media').getFiles({ prefix: 'p/' });
    expect(files.map(({ name }) => name)).toEqual(['p/0', 'p/1', 'p/2', 'p/3', 'p/4']);
    expect(emulator.count('list')).toBe(3);
  });

  test('downloads and validates, whole and in part', async () => {
    emulator.put('media', 'clip', data);
    const file = clientOf(emulator).bucket('media').file('clip');
    const [whole] = await file.download();
    expect(whole.equals(data)).toBe(true);
    const [part] = await file.download({ start: 10, end: 19 });
    expect(part.equals(data.subarray(10, 20))).toBe(true);
  });

  test('deletes the generation it means, and no other', async () => {
    const { generation } = emulator.put('media', 'clip', data);
    const file = clientOf(emulator).bucket('media').file('clip');
    await expect(file.delete({ ifGenerationMatch: Number(generation) - 1 })).rejects.toMatchObject({ code: 412 });
    await file.delete({ ifGenerationMatch: Number(generation) });
    await expect(file.getMetadata()).rejects.toMatchObject({ code: 404 });
  });

  test('signs URLs that read, and that no longer read when tampered with', async () => {
    emulator.put('media', 'dir/a (1).txt', Buffer.from('hello'), { contentType: 'text/plain' });
    const file = clientOf(emulator).bucket('media').file('dir/a (1).txt');
    const responseDisposition = 'attachment; filename="a.txt"';
    const [url] = await file.getSignedUrl({ version: 'v4', action: 'read', expires: Date.now() + 60_000, responseDisposition });
    const answer = await send({ url });
    expect([answer.status, answer.body.toString(), answer.headers['content-disposition']]).toEqual([
      200,
      'hello',
      responseDisposition,
    ]);
    expect((await send({ url: url.replace('a.txt', 'b.txt') })).status).toBe(403);
  });

  test('signs uploads', async () => {
    const file = clientOf(emulator).bucket('media').file('up');
    const [url] = await file.getSignedUrl({
      version: 'v4',
      action: 'write',
      expires: Date.now() + 60_000,
      contentType: 'image/png',
    });
    expect((await send({ url, method: 'PUT', body: 'x', headers: { 'content-type': 'image/png' } })).status).toBe(200);
    expect(emulator.objects('media').get('up')?.contentType).toBe('image/png');
  });
});

describe('the official client without a token', () => {
  test('is 401 where one is needed', async () => {
    const storage = anonymousClientOf(emulator);
    await expect(storage.bucket('media').getMetadata()).rejects.toMatchObject({ code: 401 });
  });

  test.each<[string, object, object]>([
    ['in one resumable request', { resumable: true }, { response: { status: 412 } }],
    ['in resumable chunks', { resumable: true, chunkSize: QUANTUM }, { response: { status: 412 } }],
    ['in one multipart request', { resumable: false }, { code: 412 }],
  ])('saves %s, with preconditions', async (_, options, refusal) => {
    const storage = anonymousClientOf(open);
    const file = storage.bucket('media').file('clip');
    const preconditionOpts = { ifGenerationMatch: 0 };
    await file.save(data, { ...options, preconditionOpts, metadata: { contentType: 'video/mp4', metadata: { owner: 'u1' } } });
    const stored = open.objects('media').get('clip');
    expect(stored).toMatchObject({ size: data.length, contentType: 'video/mp4', metadata: { owner: 'u1' } });
    expect(stored?.data().equals(data)).toBe(true);
    await expect(file.save(data, { ...options, preconditionOpts })).rejects.toMatchObject(refusal);
  });
});

function clientOf(server: GcsEmulator, account: ServiceAccount = server.serviceAccount): Storage {
  const authClient = signedInAs(account);
  return new Storage({ apiEndpoint: server.url, useAuthWithCustomEndpoint: true, projectId: account.project_id, authClient });
}

/** To a custom endpoint the client sends no token unless it is told to; with an account given it looks for none either. */
function anonymousClientOf(server: GcsEmulator): Storage {
  return new Storage({ apiEndpoint: server.url, projectId: 'test-project', authClient: signedInAs(server.serviceAccount) });
}

/** google-auth-library asks Google's own token address whatever the key file says: the test sends it to `token_uri`. */
function signedInAs(account: ServiceAccount): GoogleAuth {
  const scopes = ['https://www.googleapis.com/auth/devstorage.read_write'];
  const authClient = new JWT({ email: account.client_email, key: account.private_key, scopes });
  authClient.transporter.interceptors.request.add({
    resolved: async (request) => {
      if (request.url.href === 'https://oauth2.googleapis.com/token') request.url = new URL(account.token_uri);
      return request;
    },
  });
  const auth = new GoogleAuth({ authClient });
  // Where the URL signer looks for the account's name; the `credentials` option would fill it, and is deprecated.
  auth.jsonContent = account;
  return auth;
}
