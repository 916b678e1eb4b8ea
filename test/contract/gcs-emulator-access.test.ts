import { createHash, createSign, createVerify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { type ServiceAccount, testServiceAccount } from '../support/gcs-emulator/service-account.ts';
import { openSession, put } from '../support/gcs-emulator/session-client.ts';
import { jsonOf, send, type WireAnswer, type WireRequest } from '../support/gcs-emulator/wire.ts';

const PAGE = 'https://app.example';
let emulator: GcsEmulator;
let nowMs = Date.parse('2026-03-01T12:00:00Z');

beforeAll(async () => {
  const cors = [{ origin: [PAGE], method: ['GET', 'PUT'], responseHeader: ['Content-Type', 'Range'], maxAgeSeconds: 60 }];
  emulator = await startGcsEmulator({ buckets: [{ name: 'media', cors }, { name: 'closed' }], now: () => nowMs });
});
beforeEach(async () => {
  nowMs = Date.parse('2026-03-01T12:00:00Z');
  await emulator.reset();
  emulator.put('media', 'a b.txt', Buffer.from('0123456789'), { contentType: 'text/plain' });
});
afterAll(() => emulator.close());

describe('tokens', () => {
  test('a JWT signed by the account buys a token that opens the API', async () => {
    const answer = await exchange(jwt(emulator.serviceAccount, {}));
    expect(answer.status).toBe(200);
    expect(jsonOf(answer)).toMatchObject({ token_type: 'Bearer', expires_in: 3599 });
    const headers = { authorization: `Bearer ${jsonOf(answer).access_token}` };
    expect((await send({ url: `${emulator.url}/storage/v1/b/media`, headers })).status).toBe(200);
  });

  test('a JWT the account signed is itself a token', async () => {
    const headers = { authorization: `Bearer ${jwt(emulator.serviceAccount, { aud: 'https://storage.googleapis.com/' })}` };
    expect((await send({ url: `${emulator.url}/storage/v1/b/media`, headers })).status).toBe(200);
  });

  test.each<[string, () => string]>([
    ['signed by another key', () => jwt(testServiceAccount(emulator.url), {})],
    ['for another audience', () => jwt(emulator.serviceAccount, { aud: 'https://elsewhere.example' })],
    ['of another account', () => jwt(emulator.serviceAccount, { iss: 'someone@else.example' })],
    ['that has expired', () => jwt(emulator.serviceAccount, { iat: nowMs / 1000 - 7200, exp: nowMs / 1000 - 3600 })],
    ['that is no JWT', () => 'nonsense'],
  ])('an assertion %s buys nothing', async (_, assertion) => {
    const answer = await exchange(assertion());
    expect([answer.status, jsonOf(answer).error]).toEqual([400, 'invalid_grant']);
  });

  test('signBlob signs with the account key, for callers with a token', async () => {
    const url = `${emulator.signingEndpoint}${emulator.serviceAccount.client_email}:signBlob`;
    const body = JSON.stringify({ payload: Buffer.from('to sign').toString('base64') });
    expect((await send({ url, method: 'POST', body })).status).toBe(401);
    const answer = await send({ url, method: 'POST', body, headers: { authorization: `Bearer ${emulator.accessToken}` } });
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    const { signedBlob, keyId } = jsonOf(answer);
    expect(keyId).toBe(emulator.serviceAccount.private_key_id);
    const verifier = createVerify('RSA-SHA256').update('to sign');
    expect(verifier.verify(emulator.serviceAccount.private_key, String(signedBlob), 'base64')).toBe(true);
  });
});

describe('signed URLs', () => {
  test('a URL signed by the rules of V4 reads, whole or in part', async () => {
    const url = sign({});
    const answer = await send({ url });
    expect([answer.status, answer.body.toString(), answer.headers['content-type']]).toEqual([200, '0123456789', 'text/plain']);
    expect((await send({ url, headers: { range: 'bytes=2-3' } })).body.toString()).toBe('23');
    const head = await send({ url, method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '10', 0]);
  });

  test('the answer says what the signed query tells it to', async () => {
    const query = {
      'response-content-disposition': 'attachment; filename="ü (1).txt"',
      'response-content-type': 'application/x-thing',
    };
    const answer = await send({
      url: sign({ query: { ...query, 'response-content-disposition': 'attachment; filename="a (1).txt"' } }),
    });
    expect(answer.headers).toMatchObject({
      'content-disposition': 'attachment; filename="a (1).txt"',
      'content-type': 'application/x-thing',
    });
  });

  test.each<[string, () => WireRequest, string]>([
    ['another object', () => ({ url: sign({}).replace('a%20b.txt', 'other') }), 'SignatureDoesNotMatch'],
    ['another method', () => ({ url: sign({}), method: 'DELETE' }), 'SignatureDoesNotMatch'],
    ['a longer life', () => ({ url: sign({}).replace('X-Goog-Expires=600', 'X-Goog-Expires=6000') }), 'SignatureDoesNotMatch'],
    ['an added parameter', () => ({ url: `${sign({})}&response-content-type=text/html` }), 'SignatureDoesNotMatch'],
    ['a bent signature', () => ({ url: sign({}).replace(/..$/, '00') }), 'SignatureDoesNotMatch'],
    [
      'a stranger with the same name',
      () => ({ url: sign({ account: testServiceAccount(emulator.url) }) }),
      'SignatureDoesNotMatch',
    ],
    ['a date to come', () => ({ url: sign({ date: '20260301T130000Z' }) }), 'AccessDenied'],
    ['no signature at all', () => ({ url: `${emulator.url}/media/a%20b.txt` }), 'AccessDenied'],
  ])('a URL with %s is 403 in XML', async (_, request, code) => {
    const answer = await send(request());
    expect([answer.status, answer.headers['content-type']]).toEqual([403, 'application/xml; charset=UTF-8']);
    expect(answer.body.toString()).toContain(`<Error><Code>${code}</Code>`);
    expect(emulator.objects('media').has('a b.txt')).toBe(true);
  });

  test('an expired URL is 400 ExpiredToken, to the second', async () => {
    const url = sign({});
    nowMs += 600_000 - 1;
    expect((await send({ url })).status).toBe(200);
    nowMs += 1;
    const answer = await send({ url });
    expect([answer.status, answer.body.toString()]).toEqual([400, expect.stringContaining('<Code>ExpiredToken</Code>')]);
  });

  test('signed headers must be sent, and x-goog headers must be signed', async () => {
    const url = sign({ method: 'PUT', headers: { 'content-type': 'image/png' } });
    expect((await send({ url, method: 'PUT', body: 'x' })).status).toBe(400);
    const unsigned = { 'content-type': 'image/png', 'x-goog-if-generation-match': '0' };
    expect((await send({ url, method: 'PUT', body: 'x', headers: unsigned })).status).toBe(400);
    expect((await send({ url, method: 'PUT', body: 'x', headers: { 'content-type': 'image/png' } })).status).toBe(200);
    expect(emulator.objects('media').get('a b.txt')).toMatchObject({ contentType: 'image/png', size: 1 });
  });

  test('a signed upload is held to its length and its precondition', async () => {
    const headers = { 'x-goog-content-length-range': '1,4', 'x-goog-if-generation-match': '0' };
    const url = sign({ method: 'PUT', headers, name: 'new' });
    const large = await send({ url, method: 'PUT', body: '12345', headers });
    expect([large.status, large.body.toString()]).toEqual([400, expect.stringContaining('EntityTooLarge')]);
    expect((await send({ url, method: 'PUT', body: '1234', headers })).status).toBe(200);
    expect((await send({ url, method: 'PUT', body: '1234', headers })).status).toBe(412);
  });
});

describe('CORS', () => {
  test('a preflight on an XML path is answered by the rules of the bucket', async () => {
    const allowed = await preflight(`${emulator.url}/media/a`, { 'access-control-request-headers': 'content-type, range' });
    expect([allowed.status, allowed.headers]).toMatchObject([
      200,
      {
        'access-control-allow-origin': PAGE,
        'access-control-allow-methods': 'GET, PUT',
        'access-control-allow-headers': 'Content-Type, Range',
        'access-control-max-age': '60',
      },
    ]);
  });

  test.each<[string, string, Record<string, string>]>([
    ['from another page', 'media', { origin: 'https://evil.example' }],
    ['for another method', 'media', { 'access-control-request-method': 'DELETE' }],
    ['with another header', 'media', { 'access-control-request-headers': 'x-secret' }],
    ['on a bucket without rules', 'closed', {}],
  ])('a preflight %s gets no permission', async (_, bucket, headers) => {
    const answer = await preflight(`${emulator.url}/${bucket}/a`, headers);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('a signed read carries the headers its page needs', async () => {
    const answer = await send({ url: sign({}), headers: { origin: PAGE } });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-expose-headers': 'Content-Type, Range',
    });
  });

  test('a session answers the page it was started for, and no other, whatever the bucket says', async () => {
    const uri = await openSession(emulator, { headers: { origin: 'https://uploads.example' } });
    const asked = { origin: 'https://uploads.example', 'access-control-request-headers': 'content-range' };
    const allowed = await preflight(uri, { ...asked, 'access-control-request-method': 'PUT' });
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': asked.origin,
      'access-control-allow-headers': 'content-range',
    });
    expect((await preflight(uri, {})).headers['access-control-allow-origin']).toBeUndefined();
    const status = await put(uri, 'bytes */*', '', { origin: asked.origin });
    expect(status.headers['access-control-allow-origin']).toBe(asked.origin);
    expect(status.headers['access-control-expose-headers']).toMatch(/\bRange\b/);
    const last = await put(uri, undefined, 'x', { origin: asked.origin });
    expect([last.status, last.headers['access-control-allow-origin']]).toEqual([200, asked.origin]);
  });

  test('a session started without an Origin, or with a star, fails the page at the end', async () => {
    const mute = await openSession(emulator);
    expect((await put(mute, 'bytes */*', '', { origin: PAGE })).headers['access-control-allow-origin']).toBeUndefined();
    const star = await openSession(emulator, { headers: { origin: '*' } });
    expect((await put(star, 'bytes */*', '', { origin: PAGE })).headers['access-control-allow-origin']).toBe('*');
    expect((await put(star, undefined, 'x', { origin: PAGE })).headers['access-control-allow-origin']).toBeUndefined();
  });
});

type SignRequest = {
  account?: ServiceAccount;
  method?: string;
  name?: string;
  date?: string;
  headers?: Record<string, string>;
  query?: Record<string, string>;
};

/** V4 by hand, from Google's description of the signing process, to check the emulator by something other than the client. */
function sign({
  account = emulator.serviceAccount,
  method = 'GET',
  name = 'a b.txt',
  date = '20260301T120000Z',
  headers = {},
  query = {},
}: SignRequest) {
  const scope = `${date.slice(0, 8)}/auto/storage/goog4_request`;
  const signed: [string, string][] = [
    ...Object.entries(headers),
    ['host', new URL(emulator.url).host] satisfies [string, string],
  ];
  signed.sort(([left], [right]) => (left < right ? -1 : 1));
  const names = signed.map(([header]) => header).join(';');
  const parameters = {
    'X-Goog-Algorithm': 'GOOG4-RSA-SHA256',
    'X-Goog-Credential': `${account.client_email}/${scope}`,
    'X-Goog-Date': date,
    'X-Goog-Expires': '600',
    'X-Goog-SignedHeaders': names,
    ...query,
  };
  const encoded = Object.entries(parameters).map((pair) => pair.map(percent).join('='));
  const canonicalQuery = encoded.sort().join('&');
  const path = `/media/${name.split('/').map(percent).join('/')}`;
  const lines = signed.map(([header, value]) => `${header}:${value}\n`).join('');
  const hash = hexSha256([method, path, canonicalQuery, lines, names, 'UNSIGNED-PAYLOAD'].join('\n'));
  const signer = createSign('RSA-SHA256').update(['GOOG4-RSA-SHA256', date, scope, hash].join('\n'));
  return `${emulator.url}${path}?${canonicalQuery}&X-Goog-Signature=${signer.sign(account.private_key, 'hex')}`;
}

function jwt(account: ServiceAccount, claims: Record<string, unknown>): string {
  const issued = nowMs / 1000;
  const payload = { iss: account.client_email, aud: account.token_uri, iat: issued, exp: issued + 3600, ...claims };
  const signed = [{ alg: 'RS256', typ: 'JWT' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(account.private_key, 'base64url')}`;
}

function exchange(assertion: string): Promise<WireAnswer> {
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return send({ url: emulator.serviceAccount.token_uri, method: 'POST', headers, body });
}

function preflight(url: string, headers: Record<string, string>): Promise<WireAnswer> {
  return send({ url, method: 'OPTIONS', headers: { origin: PAGE, 'access-control-request-method': 'GET', ...headers } });
}

function percent(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hexSha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
