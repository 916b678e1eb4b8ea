import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { bucket, startOnBucket } from '../support/bucket-server.ts';
import { query } from '../support/database.ts';
import { overGraphql, type WireUpload } from '../support/direct-door.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { type KeySet, startKeySet } from '../support/key-set.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { putBytes } from '../support/session-put.ts';

const audience = 'https://media.example.com';
const account = 'pusher@test-project.iam.gserviceaccount.com';

describe('pushes of the bucket', () => {
  let google: KeySet;
  let stranger: KeySet;
  let server: TestServer;
  let token: string;
  let sample: SampleFile;

  beforeAll(async () => {
    [google, stranger] = [await startKeySet(), await startKeySet()];
    server = await startOnBucket('redirect', {
      GCS_EVENTS_AUDIENCE: audience,
      GCS_EVENTS_SERVICE_ACCOUNT: account,
      GCS_EVENTS_JWKS_URL: google.url,
    });
    token = await tokenOf('ada');
    const [first] = await acceptedFiles();
    if (first === undefined) throw new Error('There are no samples');
    sample = first;
  });

  afterAll(async () => {
    await server.close();
    await google.close();
    await stranger.close();
  });

  const claims = (changed: JWTPayload = {}): JWTPayload => ({
    iss: 'https://accounts.google.com',
    aud: audience,
    sub: '1234567890',
    email: account,
    email_verified: true,
    exp: Math.floor(Date.now() / 1000) + 600,
    ...changed,
  });
  const arrived = (id: string): Record<string, string> => ({
    eventType: 'OBJECT_FINALIZE',
    bucketId: bucket,
    objectId: `${id}/original`,
  });
  const push = async (attributes: unknown, authorization?: string): Promise<number> => {
    const response = await fetch(`${server.url}/internal/gcs-events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization ?? `Bearer ${await google.sign(claims())}` },
      body: JSON.stringify({ message: { attributes, data: 'e30=', messageId: '1' }, subscription: 'projects/p/subscriptions/s' }),
    });
    return response.status;
  };
  const sent = async (bytes: Buffer, kind: 'IMAGE' | 'VIDEO' = sample.kind): Promise<WireUpload> => {
    const announcement = { kind, filename: sample.name, mimeType: 'application/octet-stream', size: bytes.length };
    const upload = await overGraphql(server, token).create(announcement);
    expect((await putBytes(upload.url, bytes)).status).toBe(200);
    return upload;
  };

  test('complete an upload whose client never came back, once, and answer every time after', async () => {
    const { id } = await sent(sample.bytes);
    expect(await push(arrived(id))).toBe(204);
    expect(await graphqlClient(server, token).get(id)).toMatchObject({
      id,
      size: sample.bytes.length,
      mimeType: sample.mimeType,
    });
    expect(await push(arrived(id))).toBe(204);
    expect(await overGraphql(server, token).complete(id)).toMatchObject({ id });
    expect(await graphqlClient(server, token).remove(id)).toBe(true);
    expect(await push(arrived(id))).toBe(204);
  });

  test('and the client itself at the same moment make one asset', async () => {
    const { id } = await sent(sample.bytes);
    const [pushed, asset, again] = await Promise.all([
      push(arrived(id)),
      overGraphql(server, token).complete(id),
      push(arrived(id)),
    ]);
    expect([pushed, again]).toEqual([204, 204]);
    expect(asset).toMatchObject({ id });
    await graphqlClient(server, token).remove(id);
  });

  test('of what has to be refused leave nothing, and are not sent again', async () => {
    const { id } = await sent(sample.bytes, 'VIDEO');
    expect(await push(arrived(id))).toBe(204);
    expect(await query(server.databaseUrl, 'select status from media_assets')).toEqual([]);
    expect(await server.storedFiles()).toEqual([]);
  });

  test('that are of no interest are taken and change nothing', async () => {
    const { id } = await sent(sample.bytes);
    const others = [
      { ...arrived(id), eventType: 'OBJECT_DELETE' },
      { ...arrived(id), bucketId: 'another' },
      { ...arrived(id), objectId: `${id}/w64.webp` },
      { ...arrived(id), objectId: 'original' },
      { ...arrived(id), objectId: '../original' },
      arrived('018f0000-0000-7000-8000-000000000000'),
      { objectId: 7 },
      null,
      'text',
    ];
    for (const other of others) expect(await push(other)).toBe(204);
    expect(await query(server.databaseUrl, 'select status from media_assets')).toEqual([{ status: 'UPLOADING' }]);
    expect(await graphqlClient(server, token).remove(id)).toBe(true);
  });

  test.each<[string, () => Promise<string>]>([
    ['no token', async () => ''],
    ["a user's token of ours", async () => `Bearer ${token}`],
    ['a token of another issuer’s key', async () => `Bearer ${await stranger.sign(claims())}`],
    ['a token of another issuer', async () => `Bearer ${await google.sign(claims({ iss: 'https://evil.example' }))}`],
    ['a token for another audience', async () => `Bearer ${await google.sign(claims({ aud: 'https://other.example' }))}`],
    [
      'a token of another account',
      async () => `Bearer ${await google.sign(claims({ email: 'other@test-project.iam.gserviceaccount.com' }))}`,
    ],
    ['an address that nobody verified', async () => `Bearer ${await google.sign(claims({ email_verified: false }))}`],
    ['a token that has run out', async () => `Bearer ${await google.sign(claims({ exp: Math.floor(Date.now() / 1000) - 60 }))}`],
    [
      'a token without an end',
      async () => {
        const { exp, ...endless } = claims();
        return `Bearer ${await google.sign(endless)}`;
      },
    ],
  ])('with %s are 401 and change nothing', async (_what, authorization) => {
    const { id } = await sent(sample.bytes);
    expect(await push(arrived(id), await authorization())).toBe(401);
    expect(await graphqlClient(server, token).get(id)).toBeNull();
    await graphqlClient(server, token).remove(id);
  });

  test('have no address where nobody is to push', async () => {
    const plain = await startTestServer();
    try {
      const response = await fetch(`${plain.url}/internal/gcs-events`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${await google.sign(claims())}` },
        body: '{}',
      });
      expect(response.status).toBe(404);
    } finally {
      await plain.close();
    }
  });
});
