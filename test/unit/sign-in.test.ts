import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { createSignIn, issueDevelopmentToken } from '../../src/http/sign-in.ts';

const secret = new TextEncoder().encode('a secret of the tests that is long enough');
const hour = 3600;

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function signed(payload: JWTPayload, key: Uint8Array = secret): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(key);
}

const refused = (detail: RegExp) => ({ code: 'UNAUTHENTICATED', message: expect.stringMatching(detail) as unknown });

describe('with a secret', () => {
  const signIn = createSignIn({ secret });

  test('the subject of a valid token is the user', async () => {
    expect(await signIn(`Bearer ${await signed({ sub: 'anna', exp: inSeconds(hour) })}`)).toBe('anna');
  });

  test('the scheme may be written in any case', async () => {
    expect(await signIn(`bEARER  ${await signed({ sub: 'anna', exp: inSeconds(hour) })}`)).toBe('anna');
  });

  test('a development token is valid for its user', async () => {
    expect(await signIn(`Bearer ${await issueDevelopmentToken(secret, 'demo', 60)}`)).toBe('demo');
  });

  test.each([undefined, '', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a b', 'Bearer,x', 'token'])(
    '%p is no sign-in, and the answer says what is',
    async (header) => {
      await expect(signIn(header)).rejects.toMatchObject(refused(/Authorization: Bearer/));
    },
  );

  test.each(['x', 'a.b', 'a.b.c', 'e30.e30.e30', '....', 'a'.repeat(10_000)])('%p is no token', async (token) => {
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/not valid/));
  });

  test('a token of another secret is refused', async () => {
    const token = await signed(
      { sub: 'anna', exp: inSeconds(hour) },
      new TextEncoder().encode('another secret that is also long enough'),
    );
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/not valid/));
  });

  test('an unsigned token is refused', async () => {
    const token = new UnsecuredJWT({ sub: 'anna', exp: inSeconds(hour) }).encode();
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/./));
  });

  test('HS512 with the same secret is refused: one algorithm for one key', async () => {
    const token = await new SignJWT({ sub: 'anna', exp: inSeconds(hour) })
      .setProtectedHeader({ alg: 'HS512' })
      .sign(new Uint8Array(64).fill(1));
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/not valid/));
  });

  test('a token must have an end', async () => {
    await expect(signIn(`Bearer ${await signed({ sub: 'anna' })}`)).rejects.toMatchObject(refused(/not valid/));
  });

  test('an expired token says so; a few seconds between clocks do not matter', async () => {
    await expect(signIn(`Bearer ${await signed({ sub: 'anna', exp: inSeconds(-10) })}`)).rejects.toMatchObject(
      refused(/expired/),
    );
    expect(await signIn(`Bearer ${await signed({ sub: 'anna', exp: inSeconds(-2) })}`)).toBe('anna');
  });

  test('an expired token that is forged learns nothing', async () => {
    const token = await signed({ sub: 'anna', exp: inSeconds(-10) }, new Uint8Array(32));
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/^Your token is not valid/));
  });

  test('a token that begins later is refused', async () => {
    const token = await signed({ sub: 'anna', exp: inSeconds(hour), nbf: inSeconds(60) });
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/not valid yet/));
  });

  test.each([undefined, '', '  ', 'a\u0000b', '\ud800', 'x'.repeat(256), 7])('%p is no subject', async (sub) => {
    const token = await signed({ ...(sub !== undefined && { sub: sub as string }), exp: inSeconds(hour) });
    await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/./));
  });

  test('a subject of 255 characters is one', async () => {
    const sub = 'x'.repeat(255);
    expect(await signIn(`Bearer ${await signed({ sub, exp: inSeconds(hour) })}`)).toBe(sub);
  });
});

describe('issuer and audience', () => {
  const signIn = createSignIn({ secret, issuer: 'https://id.example', audience: 'mediakeep' });

  test('are honoured', async () => {
    const claims = { iss: 'https://id.example', aud: ['other', 'mediakeep'] };
    expect(await signIn(`Bearer ${await signed({ ...claims, sub: 'anna', exp: inSeconds(hour) })}`)).toBe('anna');
    for (const changed of [{ iss: 'https://evil.example' }, { aud: 'other' }, { iss: undefined }, { aud: undefined }]) {
      const token = await signed(
        JSON.parse(JSON.stringify({ ...claims, ...changed, sub: 'anna', exp: inSeconds(hour) })) as JWTPayload,
      );
      await expect(signIn(`Bearer ${token}`)).rejects.toMatchObject(refused(/not made for this server/));
    }
  });

  test('can be put into a development token', async () => {
    const token = await issueDevelopmentToken(secret, 'demo', 60, { issuer: 'https://id.example', audience: 'mediakeep' });
    expect(await signIn(`Bearer ${token}`)).toBe('demo');
  });
});

describe('a token seen a moment ago', () => {
  test('is taken again without looking, but not after it has expired', async () => {
    let now = Date.now();
    const signIn = createSignIn({ secret, clock: () => new Date(now) });
    const header = `Bearer ${await signed({ sub: 'anna', exp: inSeconds(30) })}`;
    expect(await signIn(header)).toBe('anna');
    now += 29_000;
    expect(await signIn(header)).toBe('anna');
    now += 10_000;
    await expect(signIn(header)).rejects.toMatchObject(refused(/expired/));
  });
});

describe('with a key set', () => {
  let keySetServer: Server;
  let url: URL;
  let served: { keys: JWK[] } | 'broken' | 'silent';
  let fetches = 0;
  const pairs = new Map<string, { privateKey: CryptoKey; publicKey: CryptoKey }>();

  beforeAll(async () => {
    const keys: JWK[] = [];
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      const pair = await generateKeyPair(alg, { extractable: true });
      pairs.set(alg, pair);
      keys.push({ ...(await exportJWK(pair.publicKey)), kid: alg, alg });
    }
    served = { keys };
    keySetServer = createServer((_request, response) => {
      fetches += 1;
      if (served === 'silent') return;
      if (served === 'broken') response.writeHead(500).end('upstream secret');
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(served));
    });
    await new Promise<void>((resolve) => keySetServer.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://127.0.0.1:${(keySetServer.address() as AddressInfo).port}/jwks.json`);
  });

  afterAll(() => {
    keySetServer.closeAllConnections();
    keySetServer.close();
  });

  async function signedBy(alg: string, kid = alg): Promise<string> {
    const key = pairs.get(alg)?.privateKey as CryptoKey;
    return await new SignJWT({ sub: 'anna', exp: inSeconds(hour) }).setProtectedHeader({ alg, kid }).sign(key);
  }

  test.each(['RS256', 'ES256', 'EdDSA'])('%s is verified, and the set is fetched once', async (alg) => {
    const signIn = createSignIn({ jwksUrl: url });
    fetches = 0;
    expect(await signIn(`Bearer ${await signedBy(alg)}`)).toBe('anna');
    expect(await signIn(`Bearer ${await signedBy(alg)}`)).toBe('anna');
    expect(fetches).toBe(1);
  });

  test('the secret may stand beside it', async () => {
    const signIn = createSignIn({ jwksUrl: url, secret });
    expect(await signIn(`Bearer ${await signedBy('RS256')}`)).toBe('anna');
    expect(await signIn(`Bearer ${await signed({ sub: 'otto', exp: inSeconds(hour) })}`)).toBe('otto');
  });

  test('a public key is no HMAC secret', async () => {
    const signIn = createSignIn({ jwksUrl: url });
    const pem = await exportSPKI(pairs.get('RS256')?.publicKey as CryptoKey);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'HS256', kid: 'RS256' })}.${part({ sub: 'anna', exp: inSeconds(hour) })}`;
    const forged = `${unsigned}.${createHmac('sha256', pem).update(unsigned).digest('base64url')}`;
    await expect(signIn(`Bearer ${forged}`)).rejects.toMatchObject(refused(/not valid/));
  });

  test('a key that is not in the set is refused, and asking often does not fetch often', async () => {
    const signIn = createSignIn({ jwksUrl: url });
    fetches = 0;
    for (let i = 0; i < 5; i += 1) {
      await expect(signIn(`Bearer ${await signedBy('RS256', `unknown-${i}`)}`)).rejects.toMatchObject(refused(/not valid/));
    }
    expect(fetches).toBe(1);
  });

  test("a set that does not answer is nobody's fault: 503, not 401", async () => {
    const before = served;
    for (const fault of ['broken', 'silent'] as const) {
      served = fault;
      const token = await signedBy('RS256');
      await expect(createSignIn({ jwksUrl: url })(`Bearer ${token}`)).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
        retryAfterSeconds: 5,
        message: expect.not.stringContaining('secret') as unknown,
      });
    }
    served = before;
  });
});
