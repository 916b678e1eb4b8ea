import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { contentDisposition, linksDoor } from '../../src/http/links.ts';
import { DeliveringLibrary } from '../support/delivery.ts';
import { connected, exchange, type ListeningServer, listening, received, until } from '../support/http.ts';

let delivering: DeliveringLibrary;
let server: ListeningServer;

beforeEach(async () => {
  delivering = new DeliveringLibrary();
  server = await listening({ doors: [linksDoor({ library: delivering.library })] });
  delivering.baseUrl = server.url;
});

afterEach(() => server.server.close({ graceSeconds: 0 }));

describe('a link', () => {
  test('gives the bytes, and everything a cache and a browser must know', async () => {
    const { asset, bytes, url } = await delivering.image('dawn.png', 100_000);
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '100000',
      'accept-ranges': 'bytes',
      etag: `"${createHash('sha256').update(bytes).digest('hex')}"`,
      'last-modified': new Date(Math.floor(asset.createdAt.getTime() / 1000) * 1000).toUTCString(),
      'content-disposition': `inline; filename="dawn.png"; filename*=UTF-8''dawn.png`,
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      vary: 'Origin',
    });
  });

  test('is kept by caches no longer than it lives', async () => {
    const { url } = await delivering.image('a.png', 100);
    const maxAge = Number(/^public, max-age=(\d+), immutable$/.exec((await fetch(url)).headers.get('cache-control') ?? '')?.[1]);
    const secondsLeft = Number(new URL(url).searchParams.get('expires')) - Date.now() / 1000;
    expect(maxAge).toBeGreaterThan(3500);
    expect(maxAge).toBeLessThanOrEqual(Math.ceil(secondsLeft));
  });

  test('says Vary: Origin also where CORS is off', async () => {
    const closed = await listening({ corsOrigins: 'none', doors: [linksDoor({ library: delivering.library })] });
    const { url } = await delivering.image('a.png', 100);
    const answer = await fetch(url.replace(server.url, closed.url));
    await closed.server.close({ graceSeconds: 0 });
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  test('answers HEAD without opening the file', async () => {
    const { url } = await delivering.image('a.png', 1234);
    const answer = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe('1234');
    expect(delivering.storage.opened).toBe(0);
  });

  test('is told to nobody in the log: its line has the path and no signature', async () => {
    const { url } = await delivering.image('a.png', 100);
    await (await fetch(url)).arrayBuffer();
    await until(() => server.logged.some(({ msg }) => msg === 'request'));
    const line = server.logged.find(({ msg }) => msg === 'request');
    expect(line).toMatchObject({ method: 'GET', path: new URL(url).pathname, status: 200 });
    expect(JSON.stringify(server.logged)).not.toContain('signature');
  });
});

describe('a link that is not valid is 403', () => {
  const changes: [string, (url: string) => string][] = [
    ['another path', (url) => url.replace('/original', '/originaL')],
    ['an encoded path', (url) => url.replace('/original', '/%6Friginal')],
    ['a path with a dot', (url) => url.replace('/original', '//original')],
    ['a later expiry', (url) => url.replace(/expires=(\d+)/, (_all, seconds) => `expires=${Number(seconds) + 1}`)],
    ['another signature', (url) => url.replace(/signature=./, (all) => `signature=${all.endsWith('A') ? 'B' : 'A'}`)],
    ['no signature', (url) => url.replace(/&signature=.*/, '')],
    ['no query', (url) => url.replace(/\?.*/, '')],
    ['the signature twice', (url) => `${url}&${/signature=.*/.exec(url)?.[0]}`],
    ['the expiry twice', (url) => `${url}&${/expires=\d+/.exec(url)?.[0]}`],
  ];

  test.each(changes)('%s', async (_name, change) => {
    const { url } = await delivering.image('a.png', 100);
    const answer = await fetch(change(url));
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(problem).toMatchObject({ title: 'Forbidden', status: 403, requestId: answer.headers.get('x-request-id') });
    expect(problem).not.toHaveProperty('code');
  });

  test('when its time is over', async () => {
    const { url } = await delivering.image('a.png', 100);
    delivering.now = new Date(Date.now() + 2 * 3600 * 1000);
    expect((await fetch(url)).status).toBe(403);
  });
});

test('the link of a deleted asset is 404', async () => {
  const { asset, url } = await delivering.image('a.png', 100);
  await delivering.library.remove('anna', asset.id);
  const answer = await fetch(url);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: 'NOT_FOUND' });
});

describe('a range', () => {
  test.each([
    ['bytes=0-9', 0, 9],
    ['bytes=990-', 990, 999],
    ['bytes=-5', 995, 999],
    ['bytes=-5000', 0, 999],
    ['bytes=500-99999', 500, 999],
    ['BYTES = 3 - 4', 3, 4],
  ])('%s is served alone', async (range, start, end) => {
    const { bytes, url } = await delivering.image('a.png', 1000);
    const answer = await fetch(url, { headers: { range } });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end}/1000`);
    expect(answer.headers.get('content-length')).toBe(String(end - start + 1));
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  test.each(['bytes=1000-', 'bytes=-0', 'bytes=99999999999999999999-'])('%s lies outside: 416 with the size', async (range) => {
    const { url } = await delivering.image('a.png', 1000);
    const answer = await fetch(url, { headers: { range } });
    expect(answer.status).toBe(416);
    expect(answer.headers.get('content-range')).toBe('bytes */1000');
    expect(answer.headers.get('content-disposition')).toBeNull();
  });

  test.each(['bytes=0-1,3-4', 'bytes=9-3', 'items=0-1', 'bytes=-', 'bytes=a-b', 'nonsense'])(
    '%s is ignored: the whole file',
    async (range) => {
      const { url } = await delivering.image('a.png', 1000);
      const answer = await fetch(url, { headers: { range } });
      expect(answer.status).toBe(200);
      expect((await answer.arrayBuffer()).byteLength).toBe(1000);
    },
  );

  test('with If-Range is served only of the same version, by strong tag or date', async () => {
    const { asset, url } = await delivering.image('a.png', 1000);
    const tag = `"${asset.sha256}"`;
    const statusWith = async (condition: string): Promise<number> =>
      (await fetch(url, { headers: { range: 'bytes=0-9', 'if-range': condition } })).status;
    expect(await statusWith(tag)).toBe(206);
    expect(await statusWith(`W/${tag}`)).toBe(200);
    expect(await statusWith('"other"')).toBe(200);
    expect(await statusWith(asset.createdAt.toUTCString())).toBe(206);
    expect(await statusWith(new Date(0).toUTCString())).toBe(200);
    expect(await statusWith('nonsense')).toBe(200);
  });
});

describe('a client that has the bytes already', () => {
  test.each([
    ['its tag', (tag: string) => tag],
    ['its tag, weak', (tag: string) => `W/${tag}`],
    ['a list with its tag', (tag: string) => `"x", W/"y" , ${tag}`],
    ['a star', () => '*'],
  ])('is told so by %s', async (_name, condition) => {
    const { asset, url } = await delivering.image('a.png', 1000);
    const answer = await fetch(url, { headers: { 'if-none-match': condition(`"${asset.sha256}"`) } });
    expect(answer.status).toBe(304);
    expect(answer.headers.get('etag')).toBe(`"${asset.sha256}"`);
    expect(answer.headers.get('cache-control')).toMatch(/max-age/);
    expect(answer.headers.get('content-length')).toBeNull();
    expect(delivering.storage.opened).toBe(0);
  });

  test('is told so by date, unless a tag says otherwise', async () => {
    const { asset, url } = await delivering.image('a.png', 1000);
    const since = new Date(asset.createdAt.getTime() + 1000).toUTCString();
    expect((await fetch(url, { headers: { 'if-modified-since': since } })).status).toBe(304);
    expect((await fetch(url, { headers: { 'if-modified-since': asset.createdAt.toUTCString() } })).status).toBe(304);
    expect((await fetch(url, { headers: { 'if-modified-since': new Date(0).toUTCString() } })).status).toBe(200);
    expect((await fetch(url, { headers: { 'if-modified-since': since, 'if-none-match': '"other"' } })).status).toBe(200);
  });
});

describe('bytes that lie on a bucket', () => {
  test('are redirected to, for less time than either link lives', async () => {
    delivering.storage.elsewhere = 'https://bucket.example';
    const { asset, url } = await delivering.image('a.png', 100);
    const answer = await fetch(url, { redirect: 'manual' });
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe(`https://bucket.example/${asset.id}/original?X-Goog-Signature=abc`);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    const short = await fetch(delivering.library.linkTo(asset, 20), { redirect: 'manual' });
    expect(Number(/max-age=(\d+)/.exec(short.headers.get('cache-control') ?? '')?.[1])).toBeLessThanOrEqual(25);
  });
});

describe('when something breaks', () => {
  test('before the first byte, the answer is a problem that nobody keeps', async () => {
    const { url } = await delivering.image('a.png', 100_000);
    delivering.storage.breaksAfterBytes = 0;
    const answer = await fetch(url);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('etag')).toBeNull();
    expect(answer.headers.get('content-disposition')).toBeNull();
  });

  test('midway, the connection is cut, so that nobody takes a part for the whole', async () => {
    const { url } = await delivering.image('a.png', 1_000_000);
    delivering.storage.breaksAfterBytes = 500_000;
    const answer = await fetch(url);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(delivering.storage.stillOpen).toBe(0);
  });

  test('and the client leaves midway, the file is closed', async () => {
    const { url } = await delivering.image('a.png', 5_000_000);
    delivering.storage.stallsAfterBytes = 2_000_000;
    const socket = await connected(server.port);
    const { pathname, search } = new URL(url);
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await received(socket, /200 OK/);
    expect(delivering.storage.stillOpen).toBe(1);
    socket.destroy();
    await until(() => delivering.storage.stillOpen === 0);
    await until(() => server.logged.some(({ status }) => status === 499));
  });

  test('a client that reads nothing is cut off after the time of silence', async () => {
    const impatient = await listening({ idleSeconds: 0.3, doors: [linksDoor({ library: delivering.library })] });
    const { url } = await delivering.image('a.png', 9_000_000);
    const answered = await new Promise<Error | undefined>((resolve) => {
      const sent = httpRequest(url.replace(server.url, impatient.url), (response) => {
        response.pause();
        setTimeout(() => response.resume(), 1500);
        response.on('error', resolve).on('end', () => resolve(undefined));
      });
      sent.on('error', resolve).end();
    });
    await impatient.server.close({ graceSeconds: 0 });
    expect(answered?.message).toMatch(/aborted|hang up|reset/);
    expect(delivering.storage.stillOpen).toBe(0);
  });

  test('a storage that is slow is waited for', async () => {
    const patient = await listening({ idleSeconds: 0.2, doors: [linksDoor({ library: delivering.library })] });
    const { url } = await delivering.image('a.png', 100_000);
    delivering.storage.stallsAfterBytes = 50_000;
    const { pathname, search } = new URL(url);
    const socket = await connected(patient.port);
    let isClosed = false;
    socket.on('close', () => {
      isClosed = true;
    });
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await received(socket, /200 OK/);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(isClosed).toBe(false);
    socket.destroy();
    await patient.server.close({ graceSeconds: 0 });
  });
});

test("a path that climbs out is nobody's", async () => {
  const answer = await exchange(server.port, 'GET /media/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 403/);
});

describe('a filename in Content-Disposition', () => {
  test.each([
    ['plain name.png', `inline; filename="plain name.png"; filename*=UTF-8''plain%20name.png`],
    ['straße 🌊.png', `inline; filename="stra_e __.png"; filename*=UTF-8''stra%C3%9Fe%20%F0%9F%8C%8A.png`],
    [`a"b\\c%d'(e)*!.png`, `inline; filename="a_b_c_d'(e)*!.png"; filename*=UTF-8''a%22b%5Cc%25d%27%28e%29%2A%21.png`],
  ])('%s', (name, header) => {
    expect(contentDisposition(name)).toBe(header);
  });
});
