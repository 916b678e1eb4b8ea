import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beginUpload, restUpload } from '../support/cut-off.ts';
import type { WireAsset } from '../support/doors.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { testSecret, tokenOf } from '../support/server.ts';
import { createInstallation, type Installation, sha256Of } from './installation.ts';
import { ServerSeat } from './server-process.ts';

let token: string;
let image: SampleFile;
let video: SampleFile;

beforeEach(async () => {
  token = await tokenOf('ada');
  const files = await acceptedFiles();
  const find = (kind: string): SampleFile => files.find((file) => file.kind === kind) as SampleFile;
  [image, video] = [find('IMAGE'), find('VIDEO')];
});

/** Sends the beginning of a video and then nothing, but does not leave. */
async function beginStuckUpload(server: { url: string }): Promise<Socket> {
  const socket = await beginUpload(server, restUpload('video', token), video.bytes.length);
  socket.on('error', () => undefined).resume();
  socket.write(video.bytes.subarray(0, 5000));
  return socket;
}

describe('a server that is told to stop', () => {
  let installation: Installation;
  let seat: ServerSeat;

  beforeEach(async () => {
    installation = await createInstallation('disk');
    seat = new ServerSeat({ ...installation.environment, USER_QUOTA_BYTES: '1000000000' });
    await seat.start();
  });
  afterEach(async () => {
    await seat.stop('SIGKILL');
    await installation.remove();
  });

  const running = (): { url: string } => ({ url: seat.url ?? '' });
  const untilBegun = async (): Promise<void> => {
    while ((await installation.rows()).every(({ status }) => status !== 'UPLOADING')) await sleep(20);
  };

  test('cuts an upload that does not end within 25 s, leaves nothing of it, and exits 0', async () => {
    const socket = await beginStuckUpload(running());
    await untilBegun();
    const askedAt = performance.now();
    expect(await seat.stop('SIGTERM')).toBe(0);
    expect(performance.now() - askedAt).toBeGreaterThan(24_000);
    expect(performance.now() - askedAt).toBeLessThan(31_000);
    expect(await installation.rows()).toEqual([]);
    expect(await installation.usage()).toEqual([{ user_id: 'ada', asset_count: 0, size_bytes: 0, reserved_bytes: 0 }]);
    expect(await installation.stored()).toEqual({ objects: new Map(), debris: [] });
    socket.destroy();
  });

  test('ends at once when it is told again, by whichever signal; the next one sweeps up', async () => {
    const socket = await beginStuckUpload(running());
    await untilBegun();
    const stopping = seat.stop('SIGTERM');
    await sleep(500);
    const askedAgainAt = performance.now();
    seat.signal('SIGINT');
    expect(await stopping).toBe(1);
    expect(performance.now() - askedAgainAt).toBeLessThan(1000);
    socket.destroy();

    await installation.age('hours');
    await seat.start();
    while ((await installation.rows()).length > 0) await sleep(50);
    expect(await installation.stored()).toEqual({ objects: new Map(), debris: [] });
  });

  test('takes two signals in the same instant, as npm passes a Ctrl-C on, for one', async () => {
    const socket = await beginStuckUpload(running());
    await untilBegun();
    const stopping = seat.stop('SIGINT');
    seat.signal('SIGINT');
    await sleep(500);
    socket.destroy();
    expect(await stopping).toBe(0);
    expect(await installation.rows()).toEqual([]);
  });
});

describe('an embedded database', () => {
  let dataDir: string;
  let seat: ServerSeat;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-embedded-'));
    seat = new ServerSeat({ DATA_DIR: dataDir, PORT: '0', AUTH_JWT_SECRET: testSecret, LOG_LEVEL: 'silent' });
  });
  afterEach(async () => {
    await seat.stop('SIGKILL');
    await sleep(500);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  const upload = (): Promise<WireAsset> =>
    restClient({ url: seat.url ?? '' }, token).upload({ kind: 'IMAGE', name: image.name, bytes: image.bytes });
  const expectKept = async (assets: readonly WireAsset[]): Promise<void> => {
    const { items } = await restClient({ url: seat.url ?? '' }, token).list({ first: 100 });
    expect(items.map(({ id }) => id).sort()).toEqual(assets.map(({ id }) => id).sort());
    for (const { url, sha256 } of items) expect(sha256Of(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(sha256);
  };
  /** PostgreSQL's first process, by the first line of postmaster.pid. */
  const postmaster = async (): Promise<number> => {
    const names = await readdir(join(dataDir, 'postgres'), { recursive: true });
    const file = names.find((name) => name.endsWith('postmaster.pid'));
    return Number((await readFile(join(dataDir, 'postgres', file ?? ''), 'utf8')).split('\n')[0]);
  };

  test('starts after its owner was killed at any moment of its start, the very first one included', async () => {
    for (const afterMs of [100, 400, 700, 1000, 1300, 1700, 2200, 3000]) {
      const starting = seat.start().catch(() => undefined);
      await sleep(afterMs);
      await seat.stop('SIGKILL');
      await starting;
    }
    await seat.start();
    await expectKept([await upload()]);
    expect(await seat.stop('SIGTERM')).toBe(0);
  });

  test('keeps what was acknowledged when everything is killed in one instant, again and again', async () => {
    const assets: WireAsset[] = [];
    for (let round = 0; round < 4; round += 1) {
      await seat.start();
      await expectKept(assets);
      for (let index = 0; index < 5; index += 1) assets.push(await upload());
      const pid = await postmaster();
      const stopping = seat.stop('SIGKILL');
      process.kill(pid, 'SIGKILL');
      await stopping;
    }
    await seat.start();
    await expectKept(assets);
  });

  test('recovers by itself when one of its processes is killed, and loses nothing', async () => {
    await seat.start();
    const assets = [await upload()];
    for (let round = 0; round < 3; round += 1) {
      const pid = await postmaster();
      const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
      // The youngest is a session of ours: its end makes PostgreSQL end all others, and go through its log.
      process.kill(Number(children.at(-1)), 'SIGKILL');
      let asset: WireAsset | undefined;
      for (let tries = 0; tries < 100 && asset === undefined; tries += 1) {
        asset = await upload().catch(() => undefined);
        await sleep(50);
      }
      if (asset !== undefined) assets.push(asset);
    }
    expect(assets).toHaveLength(4);
    await expectKept(assets);
    expect(await seat.stop('SIGTERM')).toBe(0);
  });

  test('whose first process is killed says so in /readyz, and runs again by itself, with everything that was acknowledged', async () => {
    await seat.start();
    const assets = [await upload()];
    const statuses = new Set<number>();
    for (let round = 0; round < 2; round += 1) {
      process.kill(await postmaster(), 'SIGKILL');
      let asset: WireAsset | undefined;
      for (const end = Date.now() + 30_000; asset === undefined && Date.now() < end; await sleep(50)) {
        statuses.add((await fetch(`${seat.url}/readyz`)).status);
        asset = await upload().catch(() => undefined);
      }
      if (asset !== undefined) assets.push(asset);
    }
    expect(assets).toHaveLength(3);
    expect(statuses).toContain(503);
    await expectKept(assets);
    expect(await seat.stop('SIGTERM')).toBe(0);
  });

  test('is the last to go: a running upload ends, and is kept, after SIGTERM', async () => {
    await seat.start();
    const upTo = 5000;
    const form = restUpload('video', token);
    const socket = await beginUpload({ url: seat.url ?? '' }, form, video.bytes.length);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.write(video.bytes.subarray(0, upTo));
    await sleep(500);
    const stopping = seat.stop('SIGTERM');
    await sleep(1500);
    socket.write(video.bytes.subarray(upTo));
    socket.write(`\r\n--${form.boundary}--\r\n`);
    expect(await stopping).toBe(0);
    expect(answer).toMatch(/^HTTP\/1\.1 201/);
    await seat.start();
    await expectKept([JSON.parse(answer.slice(answer.indexOf('{'))) as WireAsset]);
  });
});
