import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '../../src/database/connection.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import { overGraphql, overRest, type WireUpload } from '../support/direct-door.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { type Run, run } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { filesBelow, testSecret, tokenOf } from '../support/server.ts';
import { askSession, putBytes, sendRest } from '../support/session-put.ts';

const MiB = 1024 * 1024;
const chunkBytes = 4 * MiB;

describe('a direct upload to servers that come and go', () => {
  let database: TestDatabase;
  let dataDir: string;
  let token: string;
  let film: Buffer;
  const runs: Run[] = [];

  beforeEach(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-direct-'));
    token = await tokenOf('ada');
    film = Buffer.concat(await (await bigMp4({ sizeBytes: 30 * MiB + 12_345 })).toArray());
    // Every MiB another one, so that a chunk out of its place shows. (Not the ends, where the boxes are.)
    for (let at = MiB; at < film.length - MiB; at += MiB) film.writeUInt32BE(at, at);
  });

  afterEach(async () => {
    for (const { child } of runs) child.kill('SIGTERM');
    await Promise.all(runs.splice(0).map(({ ended }) => ended));
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const startServer = async (): Promise<{ url: string; process: Run }> => {
    const process = run('main', {
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      AUTH_JWT_SECRET: testSecret,
      PORT: '0',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'warn',
    });
    runs.push(process);
    return { url: await process.printed(/ready at (http:\S+)/), process };
  };
  const begin = (server: { url: string }, sizeBytes = film.length): Promise<WireUpload> =>
    overRest(server, token).create({ kind: 'VIDEO', filename: 'film.mp4', mimeType: 'video/mp4', size: sizeBytes });
  /** The same session at another server. */
  const at = (server: { url: string }, url: string): string => {
    const { pathname, search } = new URL(url);
    return `${server.url}${pathname}${search}`;
  };
  const sha256 = (): string => createHash('sha256').update(film).digest('hex');
  const isFilm = async (url: string): Promise<boolean> => Buffer.from(await (await fetch(url)).arrayBuffer()).equals(film);

  test('loses at most the chunk under way when its server is killed in the middle of one, and goes on at the next', async () => {
    const first = await startServer();
    const { id, url } = await begin(first);
    let confirmed = 0;
    let sent = 0;
    while (confirmed < film.length * 0.6) {
      const end = confirmed + chunkBytes;
      const { status } = await putBytes(url, film.subarray(confirmed, end), {
        range: `bytes ${confirmed}-${end - 1}/${film.length}`,
      });
      expect(status).toBe(308);
      sent += chunkBytes;
      confirmed = end;
    }
    const { host, pathname, search, port, hostname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    socket.write(
      `PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Range: bytes ${confirmed}-${confirmed + chunkBytes - 1}/${film.length}\r\nContent-Length: ${chunkBytes}\r\n\r\n`,
    );
    socket.write(film.subarray(confirmed, confirmed + chunkBytes - MiB));
    sent += chunkBytes - MiB;
    await sleep(200);
    first.process.child.kill('SIGKILL');
    await first.process.ended;
    socket.destroy();

    const second = await startServer();
    const held = await askSession(at(second, url), film.length);
    expect(held).toBeGreaterThanOrEqual(confirmed);
    await sendRest(at(second, url), film, chunkBytes);
    sent += film.length - Number(held);
    expect(sent - film.length).toBeLessThanOrEqual(chunkBytes);
    const asset = await overGraphql(second, token).complete(id);
    expect(asset).toMatchObject({ size: film.length, sha256: sha256() });
    expect(await isFilm(asset.url)).toBe(true);
    expect(await filesBelow(join(dataDir, 'objects'))).toHaveLength(1);
  }, 90_000);

  test('goes to two servers in turn, and is completed by both at once as one asset', async () => {
    const servers = [await startServer(), await startServer()] as const;
    const { id, url } = await begin(servers[0]);
    let turn = 0;
    for (let start = 0; start < film.length; start += chunkBytes) {
      const end = Math.min(start + chunkBytes, film.length);
      const server = servers[turn++ % 2] ?? servers[0];
      const { status } = await putBytes(at(server, url), film.subarray(start, end), {
        range: `bytes ${start}-${end - 1}/${film.length}`,
      });
      expect(status).toBe(end === film.length ? 200 : 308);
    }
    const doors = [overGraphql(servers[0], token), overRest(servers[1], token)];
    const assets = await Promise.all(Array.from({ length: 6 }, async (_, index) => await doors[index % 2]?.complete(id)));
    for (const asset of assets) expect(asset).toMatchObject({ id, sha256: sha256() });
    expect(await query(database.url, 'select asset_count, size_bytes::int, reserved_bytes::int from media_usage')).toEqual([
      { asset_count: 1, size_bytes: film.length, reserved_bytes: 0 },
    ]);
    expect(await isFilm(assets[0]?.url ?? '')).toBe(true);
    for (const { process } of servers) expect(process.output()).not.toMatch(/"level":[56]0/);
  }, 90_000);

  test('that is sent to two servers at once ends as one object with the right bytes, or is asked to go on', async () => {
    const servers = [await startServer(), await startServer()] as const;
    const { id, url } = await begin(servers[0]);
    await Promise.allSettled(servers.map((server) => putBytes(at(server, url), film)));
    await sendRest(url, film, chunkBytes);
    expect(await overRest(servers[1], token).complete(id)).toMatchObject({ sha256: sha256() });
    expect(await filesBelow(join(dataDir, 'objects'))).toHaveLength(1);
  }, 90_000);

  test('is there or gone when one server completes it and another deletes it, and leaves nothing', async () => {
    const servers = [await startServer(), await startServer()] as const;
    for (let round = 0; round < 5; round += 1) {
      const { id, url } = await begin(servers[0]);
      await putBytes(url, film);
      const [completed, removed] = await Promise.allSettled([
        overRest(servers[0], token).complete(id),
        sleep(round * 15).then(() => restClient(servers[1], token).remove(id)),
      ]);
      expect(removed.status).toBe('fulfilled');
      if (completed.status === 'rejected') expect(completed.reason).toMatchObject({ code: 'NOT_FOUND' });
    }
    const rows = () => query(database.url, 'select status from media_assets');
    for (let tries = 0; tries < 100 && (await rows()).length > 0; tries += 1) await sleep(50);
    expect(await rows()).toEqual([]);
    expect(await filesBelow(join(dataDir, 'objects'))).toEqual([]);
  }, 90_000);

  test('lets a PUT that runs when the server is told to stop end within its patience', async () => {
    const server = await startServer();
    const { url } = await begin(server);
    const { host, pathname, search, port, hostname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString();
    });
    socket.write(
      `PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Range: bytes 0-${chunkBytes - 1}/${film.length}\r\nContent-Length: ${chunkBytes}\r\n\r\n`,
    );
    socket.write(film.subarray(0, MiB));
    await sleep(300);
    server.process.child.kill('SIGTERM');
    await sleep(300);
    socket.write(film.subarray(MiB, chunkBytes));
    expect(await server.process.ended).toBe(0);
    expect(answer).toMatch(/^HTTP\/1\.1 308.*range: bytes=0-4194303/is);
  }, 60_000);

  test('takes no memory that grows with its size, neither while it comes nor while it is completed', async () => {
    const server = await startServer();
    const peakMiB = async (): Promise<number> =>
      Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${server.process.child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const send = async (sizeBytes: number): Promise<void> => {
      const { id, url } = await begin(server, sizeBytes);
      const body = Readable.toWeb(await bigMp4({ sizeBytes })) as ReadableStream;
      const init: RequestInit & { duplex: 'half' } = { method: 'PUT', body, duplex: 'half' };
      expect((await fetch(url, init)).status).toBe(200);
      expect(await overRest(server, token).complete(id)).toMatchObject({ size: sizeBytes });
      await restClient(server, token).remove(id);
    };
    for (let round = 0; round < 3; round += 1) await send(32 * MiB);
    const before = await peakMiB();
    await send(400 * MiB);
    expect((await peakMiB()) - before).toBeLessThan(40);
  }, 120_000);
});
