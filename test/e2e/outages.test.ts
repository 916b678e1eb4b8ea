import { mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '../../src/database/connection.ts';
import { beginUpload, closing, restUpload } from '../support/cut-off.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import type { Door, WireAsset } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { received } from '../support/http.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { runCramped } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, testSecret, tokenOf } from '../support/server.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let server: TestServer;
let token: string;
let doors: Door[];
let image: SampleFile;
let video: SampleFile;

/** The code of every operation over both doors, all asked at once, and how long the slowest took. */
async function askEverything(asset: WireAsset): Promise<{ codes: string[]; slowestMs: number }> {
  const begun = performance.now();
  const codes = await Promise.all(
    doors.flatMap((door) =>
      [
        door.list(),
        door.get(asset.id),
        door.update(asset.id, { title: 'x' }),
        door.upload({ kind: 'IMAGE', name: 'a.jpg', bytes: image.bytes }),
        door.upload({ kind: 'VIDEO', name: 'a.mp4', bytes: video.bytes }),
        door.remove(asset.id),
      ].map((work) =>
        work.then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
      ),
    ),
  );
  return { codes, slowestMs: performance.now() - begun };
}

const status = async (path: string): Promise<number> => (await fetch(`${server.url}${path}`)).status;

/** How long until /readyz says so, in milliseconds. */
async function untilReady(expected: 200 | 503): Promise<number> {
  const begun = performance.now();
  while ((await status('/readyz')) !== expected) {
    if (performance.now() - begun > 20_000) throw new Error(`/readyz does not say ${expected}`);
    await sleep(100);
  }
  return performance.now() - begun;
}

async function uploadOne(): Promise<WireAsset> {
  const [door] = doors;
  if (door === undefined) throw new Error('There is no door');
  return await door.upload({ kind: 'IMAGE', name: 'a.jpg', bytes: image.bytes });
}

async function everythingWorks(): Promise<void> {
  for (const door of doors) {
    const asset = await door.upload({ kind: 'VIDEO', name: 'b.mp4', bytes: video.bytes });
    expect((await fetch(asset.url)).status).toBe(200);
    expect(await door.remove(asset.id)).toBe(true);
  }
}

const openDoors = async ({ url }: { url: string }): Promise<void> => {
  token = await tokenOf('ada');
  doors = [graphqlClient({ url }, token), restClient({ url }, token)];
};

beforeAll(async () => {
  for (const sample of (await acceptedFiles()).toReversed()) {
    if (sample.kind === 'IMAGE') image = sample;
    else video = sample;
  }
});

describe('a database that', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;

  beforeEach(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
    const url = new URL(database.url);
    proxy = await openTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${proxy.port}`;
    server = await startTestServer({ DATABASE_URL: url.href, SWEEP_INTERVAL_SECONDS: '1', UPLOAD_GRACE_SECONDS: '60' });
    await openDoors(server);
  });

  afterEach(async () => {
    proxy.flow();
    await server.close();
    await proxy.close();
    await database.drop();
  });

  const rows = () => query(database.url, 'select status from media_assets order by status');

  test('hangs is STORAGE_UNAVAILABLE to every operation within its limit, shows in /readyz within seconds, and is forgotten when it goes on', async () => {
    const asset = await uploadOne();
    proxy.hang();
    const asking = askEverything(asset);
    expect(await untilReady(503)).toBeLessThan(5000);
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ detail: 'No answer from: database.' });
    expect(await status('/healthz')).toBe(200);
    const { codes, slowestMs } = await asking;
    expect(new Set(codes)).toEqual(new Set(['STORAGE_UNAVAILABLE']));
    expect(slowestMs).toBeLessThan(30_000);

    proxy.flow();
    expect(await untilReady(200)).toBeLessThan(5000);
    await everythingWorks();
  }, 90_000);

  test('is stopped is STORAGE_UNAVAILABLE at once, and when it is back all is well without a restart', async () => {
    const asset = await uploadOne();
    await proxy.refuse();
    const { codes, slowestMs } = await askEverything(asset);
    expect(new Set(codes)).toEqual(new Set(['STORAGE_UNAVAILABLE']));
    expect(slowestMs).toBeLessThan(2000);
    expect(await untilReady(503)).toBeLessThan(4000);

    await proxy.accept();
    expect(await untilReady(200)).toBeLessThan(4000);
    await everythingWorks();
    expect(await rows()).toEqual([{ status: 'READY' }]);
    expect(await server.storedFiles()).toHaveLength(1);
  }, 60_000);

  test('restarts while a video comes in does not touch the upload, which needs it only before and after', async () => {
    const upload = restUpload('video', token);
    const socket = await beginUpload(server, upload, video.bytes.length);
    socket.write(video.bytes.subarray(0, 5000));
    const answer = received(socket, /\r\n\r\n.*\}$/s);
    for (let tries = 0; tries < 100 && (await rows()).length === 0; tries += 1) await sleep(20);
    await proxy.refuse();
    await sleep(300);
    await proxy.accept();
    socket.write(Buffer.concat([video.bytes.subarray(5000), Buffer.from(closing(upload.boundary))]));
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(await rows()).toEqual([{ status: 'READY' }]);
    socket.destroy();
  });

  test('is away when a video has come in is STORAGE_UNAVAILABLE, and nothing of the video stays once it is back', async () => {
    const upload = restUpload('video', token);
    const socket = await beginUpload(server, upload, video.bytes.length);
    socket.write(video.bytes.subarray(0, 5000));
    const answer = received(socket, /"code":"\w+"/);
    for (let tries = 0; tries < 100 && (await rows()).length === 0; tries += 1) await sleep(20);
    await proxy.refuse();
    socket.write(Buffer.concat([video.bytes.subarray(5000), Buffer.from(closing(upload.boundary))]));
    expect(await answer).toContain('"code":"STORAGE_UNAVAILABLE"');
    socket.destroy();

    await proxy.accept();
    await query(database.url, `update media_assets set alive_at = now() - interval '1 hour'`);
    for (let tries = 0; tries < 200 && (await rows()).length > 0; tries += 1) await sleep(50);
    expect(await rows()).toEqual([]);
    expect(await server.storedFiles()).toEqual([]);
  });

  test('fails over to a standby is not ready until it takes writes, and answers what it can read', async () => {
    const asset = await uploadOne();
    const name = new URL(database.url).pathname.slice(1);
    await query(database.url, `alter database ${name} set default_transaction_read_only = on`);
    proxy.cut();
    expect(await untilReady(503)).toBeLessThan(4000);
    for (const door of doors) {
      expect((await door.get(asset.id))?.id).toBe(asset.id);
      await expect(door.update(asset.id, { title: 'x' })).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      await expect(door.upload({ kind: 'IMAGE', name: 'a.jpg', bytes: image.bytes })).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
      });
    }
    const admin = `begin; set transaction read write; alter database ${name} reset default_transaction_read_only; commit`;
    await query(database.url, admin);
    // The connections of before still speak to the standby; nobody cuts them now.
    expect(await untilReady(200)).toBeLessThan(15_000);
    await everythingWorks();
  }, 60_000);
});

describe('a disk that', () => {
  beforeEach(async () => {
    server = await startTestServer({ SWEEP_INTERVAL_SECONDS: '1' });
    await openDoors(server);
  });

  afterEach(async () => {
    await server.close();
  });

  const tmp = (): string => join(server.dataDir, 'objects', 'tmp');

  test('takes no writes refuses uploads with STORAGE_UNAVAILABLE, gives what it has, shows in /readyz, and is forgotten when it does again', async () => {
    const asset = await uploadOne();
    await rename(tmp(), `${tmp()}-kept`);
    // Nobody may write there, not even root.
    await symlink('/sys/kernel', tmp());
    expect(await untilReady(503)).toBeLessThan(4000);
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ detail: 'No answer from: storage.' });
    for (const door of doors) {
      for (const file of [image, video]) {
        const upload = door.upload({ kind: file.kind, name: file.name, bytes: file.bytes });
        await expect(upload).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      }
    }
    expect(Buffer.from(await (await fetch(asset.url)).arrayBuffer()).equals(image.bytes)).toBe(true);
    expect((await doors[0]?.list())?.totalCount).toBe(1);

    await rm(tmp());
    await rename(`${tmp()}-kept`, tmp());
    expect(await untilReady(200)).toBeLessThan(4000);
    await everythingWorks();
    expect(await server.storedFiles()).toHaveLength(1);
  });
});

describe('a disk that fills up', () => {
  test('refuses what no longer fits with STORAGE_UNAVAILABLE, leaves nothing of it, and takes what still fits', async () => {
    const database = await createTestDatabase();
    await migrate(database.url);
    const dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-full-'));
    const environment = { PORT: '0', DATA_DIR: dataDir, DATABASE_URL: database.url, AUTH_JWT_SECRET: testSecret };
    const cramped = runCramped('main', environment, 512 * 1024);
    try {
      const url = await cramped.printed(/ready at (http:\S+)/);
      await openDoors({ url });
      // Both kinds may be followed by padding: a JPEG by anything, an MP4 by a box of it.
      const padding = Buffer.alloc(3_000_000);
      padding.writeUInt32BE(padding.length, 0);
      padding.write('free', 4, 'latin1');
      for (const door of doors) {
        for (const file of [image, video]) {
          const bytes = Buffer.concat([file.bytes, padding]);
          const upload = door.upload({ kind: file.kind, name: file.name, bytes });
          await expect(upload).rejects.toMatchObject({
            code: 'STORAGE_UNAVAILABLE',
            message: 'The storage is full. Please try again later.',
          });
          await expect(door.upload({ kind: file.kind, name: file.name, bytes: file.bytes })).resolves.toMatchObject({
            size: file.bytes.length,
          });
        }
      }
      expect(await query(database.url, 'select status from media_assets')).toEqual(Array(4).fill({ status: 'READY' }));
      const entries = await readdir(join(dataDir, 'objects'), { recursive: true, withFileTypes: true });
      expect(entries.filter((entry) => entry.isFile())).toHaveLength(4);
    } finally {
      cramped.child.kill('SIGTERM');
      await cramped.ended;
      await rm(dataDir, { recursive: true, force: true });
      await database.drop();
    }
  }, 60_000);
});
