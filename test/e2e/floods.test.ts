import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { beginUpload, closing, graphqlUpload, type RawUpload, restUpload } from '../support/cut-off.ts';
import { query } from '../support/database.ts';
import { received } from '../support/http.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

const doors: [string, (kind: 'image' | 'video', token: string) => RawUpload][] = [
  ['GraphQL', graphqlUpload],
  ['REST', restUpload],
];

let server: TestServer;
let image: SampleFile;
let video: SampleFile;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await startTestServer({ MAX_UPLOADS_PER_USER: '30', MAX_UPLOADS_PER_PROCESS: '40' });
  const samples = await acceptedFiles();
  const first = (kind: string): SampleFile => {
    const found = samples.find((sample) => sample.kind === kind);
    if (found === undefined) throw new Error(`There is no sample ${kind}`);
    return found;
  };
  image = first('IMAGE');
  video = first('VIDEO');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await eventually(async () => (await uploading()) === 0);
});

afterAll(async () => {
  await server.close();
});

const eventually = async (done: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await done()) return;
    await sleep(50);
  }
  throw new Error('It did not come true in time');
};

const uploading = async (): Promise<number> => {
  const [row] = await query(server.databaseUrl, `select count(*)::int as count from media_assets where status = 'UPLOADING'`);
  return (row as { count: number }).count;
};

/** Begins `count` video uploads that send their first half and then nothing. */
async function beginMany(uploadOf: (typeof doors)[number][1], userId: string, count: number): Promise<void> {
  const before = await uploading();
  const upload = uploadOf('video', await tokenOf(userId));
  for (let index = 0; index < count; index += 1) {
    const socket = await beginUpload(server, upload, video.bytes.length);
    socket.on('error', () => undefined);
    socket.write(video.bytes.subarray(0, 5000));
    sockets.push(socket);
  }
  await eventually(async () => (await uploading()) === before + count);
}

/** What one more upload is answered, and that its sender is told at once, while it still sends. */
async function oneMore(uploadOf: (typeof doors)[number][1], userId: string): Promise<string> {
  const socket = await beginUpload(server, uploadOf('image', await tokenOf(userId)), 10_000_000);
  sockets.push(socket);
  socket.write(image.bytes);
  return await received(socket, /"code":"\w+"/);
}

describe.each(doors)('uploads over %s', (_door, uploadOf) => {
  test('are bounded for each user: one more is RATE_LIMITED with Retry-After, and others are not hindered', async () => {
    await beginMany(uploadOf, 'greedy', 30);
    const answer = await oneMore(uploadOf, 'greedy');
    expect(answer).toContain('"code":"RATE_LIMITED"');
    expect(answer).toMatch(/\r\nretry-after: 5\r\n/i);
    const other = restClient(server, await tokenOf('modest'));
    await expect(other.upload({ kind: 'IMAGE', name: 'a.jpg', bytes: image.bytes })).resolves.toMatchObject({ status: 'READY' });
  });

  test('are bounded in all: one more is OVERLOADED with Retry-After, and a place is free again as soon as one ends or breaks off', async () => {
    await beginMany(uploadOf, 'first', 20);
    await beginMany(uploadOf, 'second', 20);
    const answer = await oneMore(uploadOf, 'third');
    expect(answer).toContain('"code":"OVERLOADED"');
    expect(answer).toMatch(/\r\nretry-after: 5\r\n/i);
    const third = restClient(server, await tokenOf('third'));
    const upload = () => third.upload({ kind: 'IMAGE', name: 'a.jpg', bytes: image.bytes });
    await expect(upload()).rejects.toMatchObject({ status: 503, code: 'OVERLOADED', retryAfter: '5' });

    sockets[0]?.destroy();
    await eventually(() =>
      upload().then(
        () => true,
        () => false,
      ),
    );
    const [, ending] = sockets;
    ending?.write(Buffer.concat([video.bytes.subarray(5000), Buffer.from(closing('cut-off-boundary'))]));
    await eventually(async () => (await uploading()) === 38);
    await expect(Promise.all([upload(), upload()])).resolves.toHaveLength(2);
  });
});

test('while more uploads than the pool has connections are coming in, none of them holds one', async () => {
  await beginMany(restUpload, 'many', 30);
  const busy = `select state, xact_start from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'mediakeep' and (state <> 'idle' or xact_start is not null)`;
  expect(await query(server.databaseUrl, busy)).toEqual([]);
  const door = restClient(server, await tokenOf('many'));
  const begun = performance.now();
  await Promise.all(Array.from({ length: 20 }, () => door.list()));
  expect(performance.now() - begun).toBeLessThan(2000);
});
