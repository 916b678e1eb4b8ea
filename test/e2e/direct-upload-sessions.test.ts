import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../support/database.ts';
import { overRest, type WireUpload } from '../support/direct-door.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { askSession, checksumOf, putBytes, sendRest } from '../support/session-put.ts';

const chunk = 262_144;

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('a session of this server', () => {
  let server: TestServer;
  let token: string;
  let film: Buffer;

  beforeAll(async () => {
    server = await startTestServer({ CORS_ORIGINS: 'https://app.example', MAX_UPLOADS_PER_USER: '2' });
    token = await tokenOf('ada');
    film = Buffer.concat(await (await bigMp4({ sizeBytes: 900_000 })).toArray());
  });

  afterEach(async () => {
    for (const row of await query(server.databaseUrl, 'select id from media_assets')) {
      await restClient(server, token).remove((row as { id: string }).id);
    }
    expect(await server.storedFiles()).toEqual([]);
    const [usage] = await query(server.databaseUrl, 'select reserved_bytes::int, size_bytes::int from media_usage');
    if (usage !== undefined) expect(usage).toEqual({ reserved_bytes: 0, size_bytes: 0 });
  });

  afterAll(() => server.close());

  const begin = (): Promise<WireUpload> =>
    overRest(server, token).create({ kind: 'VIDEO', filename: 'film.mp4', mimeType: 'video/mp4', size: film.length });
  const put = (url: string, from: number, to: number, headers: Record<string, string> = {}) =>
    putBytes(url, film.subarray(from, to), { range: `bytes ${from}-${to - 1}/${film.length}`, headers });

  /** Sends bytes as they are; the answer until the server closes. */
  const raw = async (head: string[], body: Buffer | string = ''): Promise<string> => {
    const { port } = new URL(server.url);
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    socket.on('error', () => undefined);
    socket.write(`${[...head, 'Host: x', 'Connection: close'].join('\r\n')}\r\n\r\n`);
    socket.write(body);
    return await text(socket);
  };
  const pathOf = (url: string): string => new URL(url).pathname + new URL(url).search;

  /** Sends the beginning of a chunk and leaves. */
  const cutOff = async (url: string, from: number, to: number, sentBytes: number): Promise<void> => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    socket.on('error', () => undefined);
    const head = [
      `PUT ${pathOf(url)} HTTP/1.1`,
      'Host: x',
      `Content-Range: bytes ${from}-${to - 1}/${film.length}`,
      `Content-Length: ${to - from}`,
    ];
    await new Promise((resolve) => socket.write(`${head.join('\r\n')}\r\n\r\n`, resolve));
    await new Promise((resolve) => socket.write(film.subarray(from, from + sentBytes), resolve));
    await sleep(150);
    socket.destroy();
  };

  test('keeps what had arrived when the client was cut off, and goes on from there', async () => {
    const { url, id } = await begin();
    await cutOff(url, 0, 2 * chunk, 300_000);
    await sleep(100);
    const held = await askSession(url, film.length);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(300_000);
    expect(JSON.parse((await sendRest(url, film)).body)).toMatchObject({ crc32c: checksumOf(film) });
    expect(await overRest(server, token).complete(id)).toMatchObject({ size: film.length });
  });

  test('answers every request after it is whole with its object, before and after the asset is there', async () => {
    const { url, id } = await begin();
    await putBytes(url, film);
    for (const _ of ['before', 'after']) {
      expect(await askSession(url, film.length)).toBe('whole');
      expect((await put(url, 0, chunk)).status).toBe(200);
      await overRest(server, token).complete(id);
    }
    const response = await fetch(url, { method: 'DELETE' });
    expect(response.status).toBe(404);
    expect(await restClient(server, token).get(id)).toMatchObject({ id });
  });

  test('is ended by DELETE with 499, row and bytes with it, and is gone for every request after', async () => {
    const { url, id } = await begin();
    await put(url, 0, chunk);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(499);
    expect(await query(server.databaseUrl, 'select 1 from media_assets')).toEqual([]);
    expect(await server.storedFiles()).toEqual([]);
    expect((await put(url, chunk, 2 * chunk)).status).toBe(410);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(410);
    await expect(overRest(server, token).complete(id)).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
  });

  test.each([
    ['a gap before it', chunk * 2, chunk * 3, 503],
    ['a length that is no multiple of 256 KiB', 0, 1000, 400],
    ['an odd length in the middle', 0, chunk + 1, 400],
  ])('refuses a chunk with %s, and holds nothing of it', async (_what, from, to, status) => {
    const { url } = await begin();
    expect((await put(url, from, to)).status).toBe(status);
    expect(await askSession(url, film.length)).toBe(0);
  });

  test.each([
    'bytes 0--1/0',
    'bytes -5-10/900000',
    'bytes NaN-NaN/NaN',
    'bytes 0-1',
    'bytes 99999999999999999999-99999999999999999999/*',
    'octets 0-5/10',
    'bytes 0-262143/262144',
    'bytes 0-262143/5368709120',
    'bytes 0-262142/900000',
    'bytes 0-5368709119/*',
    'bytes */262144',
    'bytes */*',
  ])('refuses Content-Range %s beside 262144 bytes with 400, and holds nothing', async (range) => {
    const { url } = await begin();
    expect((await putBytes(url, film.subarray(0, chunk), { range })).status).toBe(400);
    expect(await askSession(url, film.length)).toBe(0);
  });

  test('refuses more bytes than were announced, at once or at the end', async () => {
    const { url, id } = await begin();
    const more = Buffer.concat([film, Buffer.alloc(100)]);
    expect((await putBytes(url, more)).status).toBe(400);
    expect((await putBytes(url, more, { range: `bytes 0-${more.length - 1}/*` })).status).toBe(400);
    expect((await putBytes(url, more, { range: `bytes 0-${more.length - 1}/${more.length}` })).status).toBe(400);
    expect(await askSession(url, film.length)).toBe(0);
    const chunked = `${more.length.toString(16)}\r\n${more.toString('latin1')}\r\n0\r\n\r\n`;
    const answer = await raw([`PUT ${pathOf(url)} HTTP/1.1`, 'Transfer-Encoding: chunked'], Buffer.from(chunked, 'latin1'));
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    // What came before the surplus is held, and never more than was announced.
    expect(await askSession(url, film.length)).toBe('whole');
    expect(await overRest(server, token).complete(id)).toMatchObject({ size: film.length, sha256: sha256Of(film) });
  });

  test('takes a file whose length is not told beforehand, as long as it is the announced one', async () => {
    const { url, id } = await begin();
    const chunked = `${film.length.toString(16)}\r\n${film.toString('latin1')}\r\n0\r\n\r\n`;
    const head = [`PUT ${pathOf(url)} HTTP/1.1`, 'Transfer-Encoding: chunked'];
    expect(await raw(head, Buffer.from(chunked, 'latin1'))).toMatch(/^HTTP\/1\.1 200/);
    expect(await overRest(server, token).complete(id)).toMatchObject({ size: film.length });
  });

  test('refuses a PUT without a body, and an empty one, as too short', async () => {
    const { url } = await begin();
    expect(await raw([`PUT ${pathOf(url)} HTTP/1.1`, 'Content-Length: 0'])).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw([`PUT ${pathOf(url)} HTTP/1.1`])).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw([`PUT ${pathOf(url)} HTTP/1.1`, 'Content-Range: bytes 0-9/10', 'Content-Length: 0'])).toMatch(
      /^HTTP\/1\.1 400/,
    );
    expect(await askSession(url, film.length)).toBe(0);
  });

  test('is nobody’s without the link: another id, expiry or signature is 403, an old link and an unknown id are 410', async () => {
    const { url, id } = await begin();
    const other = await begin();
    const changed = (change: (url: URL) => void): string => {
      const copy = new URL(url);
      change(copy);
      return String(copy);
    };
    const forged = [
      changed((each) => each.searchParams.set('signature', 'A'.repeat(43))),
      changed((each) => each.searchParams.set('expires', '9999999999')),
      changed((each) => each.searchParams.delete('signature')),
      changed((each) => each.searchParams.append('signature', 'x')),
      changed((each) => {
        each.pathname = `/uploads/${other.id}`;
      }),
      changed((each) => {
        each.pathname = '/uploads/..%2f..%2fetc';
      }),
      // A link to read is no link to write, nor the reverse.
      `${server.url}/uploads/${id}${new URL(other.url).search}`,
    ];
    for (const each of forged) {
      expect((await putBytes(each, film)).status).toBe(403);
      expect((await fetch(each, { method: 'DELETE' })).status).toBe(403);
    }
    expect((await fetch(`${server.url}/media/uploads/${id}${new URL(url).search}`)).status).toBe(404);
    expect((await fetch(`${server.url}/media/${id}/original${new URL(url).search}`)).status).toBe(403);
    expect(await askSession(url, film.length)).toBe(0);
    await restClient(server, token).remove(id);
    expect((await putBytes(url, film)).status).toBe(410);
  });

  test('lets the newer of two requests win: the older stops, and the object is that of the announced bytes', async () => {
    const { url, id } = await begin();
    const older = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    older.on('error', () => undefined);
    let answered = '';
    older.on('data', (bytes: Buffer) => {
      answered += bytes.toString();
    });
    older.write(
      `PUT ${pathOf(url)} HTTP/1.1\r\nHost: x\r\nContent-Range: bytes 0-${film.length - 1}/${film.length}\r\nContent-Length: ${film.length}\r\n\r\n`,
    );
    older.write(Buffer.alloc(400_000, 0xee));
    await sleep(200);
    // What the first had sent is held; another begins anew, as a client does that lost its first connection.
    const held = await askSession(url, film.length);
    expect(held).toBeLessThanOrEqual(400_000);
    const answer = await put(url, typeof held === 'number' ? held : 0, film.length);
    expect(answer.status).toBe(200);
    older.write(Buffer.alloc(100_000, 0xee));
    await sleep(200);
    // Any client can bring that about: it must not pass for a fault of the storage, which wakes somebody.
    expect(answered).toMatch(/^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n.*"code":"OVERLOADED"/s);
    older.destroy();
    // Other bytes than the film's: whatever was held is part of it, so it is refused when it is proved.
    await expect(overRest(server, token).complete(id)).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  test('takes its place among the uploads of its user', async () => {
    const uploads = [await begin(), await begin(), await begin()];
    const sockets = uploads.slice(0, 2).map(({ url }) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
      socket.on('error', () => undefined);
      socket.write(`PUT ${pathOf(url)} HTTP/1.1\r\nHost: x\r\nContent-Length: ${film.length}\r\n\r\n`);
      socket.write(film.subarray(0, 10_000));
      return socket;
    });
    await sleep(200);
    const third = await putBytes(uploads[2]?.url ?? '', film);
    expect(third.status).toBe(429);
    expect(JSON.parse(third.body)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(third.headers.get('retry-after')).toMatch(/^\d+$/);
    for (const socket of sockets) socket.destroy();
    await sleep(200);
    expect((await putBytes(uploads[2]?.url ?? '', film)).status).toBe(200);
  });

  test('is open to the pages that may call the API, and says to them how far it is; to no others', async () => {
    const { url } = await begin();
    const preflight = (origin: string) =>
      fetch(url, {
        method: 'OPTIONS',
        headers: {
          Origin: origin,
          'Access-Control-Request-Method': 'PUT',
          'Access-Control-Request-Headers': 'content-range,content-type,x-goog-hash',
        },
      });
    const allowed = await preflight('https://app.example');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(allowed.headers.get('access-control-allow-methods')).toMatch(/PUT/);
    expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toMatch(/content-range.*x-goog-hash/);
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const answer = await put(url, 0, chunk, { Origin: 'https://app.example' });
    expect(answer.status).toBe(308);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/\bRange\b/);
  });
});
