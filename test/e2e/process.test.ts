import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beginUpload, closing, restUpload } from '../support/cut-off.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { type Run, run } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';

describe('the process', () => {
  let dataDir: string;
  const runs: Run[] = [];

  const start = (entry = 'main', environment: Record<string, string> = {}, args: string[] = []): Run => {
    const started = run(entry, { PORT: '0', DATA_DIR: dataDir, ...environment }, args);
    runs.push(started);
    return started;
  };
  const ready = async (server: Run): Promise<{ url: string; token: string }> => ({
    url: await server.printed(/ready at (http:\S+)/),
    token: await server.printed(/^(eyJ\S+)$/m),
  });
  const sampleOf = async (kind: 'IMAGE' | 'VIDEO'): Promise<SampleFile> => {
    const found = (await acceptedFiles()).find((sample) => sample.kind === kind);
    if (found === undefined) throw new Error(`There is no sample ${kind}`);
    return found;
  };

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-process-'));
  });

  afterEach(async () => {
    for (const each of runs.splice(0)) {
      each.child.kill('SIGTERM');
      await each.ended;
    }
    await rm(dataDir, { recursive: true, force: true });
  });

  test('starts with nothing configured, keeps what it has over SIGTERM and SIGKILL, and lets a worker and a token join', async () => {
    const first = start();
    const { url, token } = await ready(first);
    const image = await sampleOf('IMAGE');
    const asset = await restClient({ url }, token).upload({ kind: 'IMAGE', name: image.name, bytes: image.bytes });

    const other = start('token', {}, ['grace']);
    const graceToken = await other.printed(/^(eyJ\S+)$/m);
    expect(await restClient({ url }, graceToken).list()).toMatchObject({ totalCount: 0 });

    const worker = start('worker');
    await worker.printed(/running background jobs/);
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toBe(0);

    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);

    const second = start();
    const again = await ready(second);
    expect(await restClient(again, token).get(asset.id)).toMatchObject({ sha256: asset.sha256 });
    second.child.kill('SIGKILL');
    await second.ended;

    const third = await ready(start());
    const kept = await restClient(third, token).get(asset.id);
    expect(kept).toMatchObject({ sha256: asset.sha256 });
    expect(Buffer.from(await (await fetch(kept?.url ?? '')).arrayBuffer()).equals(image.bytes)).toBe(true);
  }, 120_000);

  test('on SIGTERM a running upload ends, a new one is not taken, and the exit code is 0', async () => {
    const server = start();
    const { url, token } = await ready(server);
    const video = await sampleOf('VIDEO');
    const upload = restUpload('video', token);
    const socket = await beginUpload({ url }, upload, video.bytes.length);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.write(video.bytes.subarray(0, 3000));
    await sleep(300);
    server.child.kill('SIGTERM');
    await sleep(500);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    socket.write(video.bytes.subarray(3000));
    socket.write(closing(upload.boundary));
    expect(await server.ended).toBe(0);
    expect(answer).toMatch(/^HTTP\/1\.1 201/);
  }, 60_000);

  test('a configuration that does not fit is told whole, in one message, before a port opens', async () => {
    const refused = start('main', { NODE_ENV: 'production', MAX_IMAGE_BYTES: 'many', PORT: '-1' });
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toMatch(/MAX_IMAGE_BYTES/);
    expect(refused.output()).toMatch(/PORT/);
    expect(refused.output()).not.toMatch(/ready at|at file:/);
  });

  test('production refuses generated secrets', async () => {
    const refused = start('main', { NODE_ENV: 'production' });
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toMatch(/AUTH_JWT_SECRET or AUTH_JWKS_URL/);
    expect(refused.output()).toMatch(/URL_SIGNING_SECRET/);
  });

  test('a port that is taken is one sentence, exit 1, and no database stays behind', async () => {
    const { url } = await ready(start());
    const otherDir = await mkdtemp(join(tmpdir(), 'mediakeep-process-'));
    const second = start('main', { PORT: new URL(url).port, DATA_DIR: otherDir });
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/EADDRINUSE/);
    await rm(otherDir, { recursive: true, force: true });
  }, 60_000);

  test('data that another process has is one message, without a stack, that says how to go on', async () => {
    await ready(start());
    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(
      /^The embedded PostgreSQL cannot start in .*: its data is in use by another Mediakeep, process \d+\. Set DATABASE_URL/m,
    );
    expect(second.output()).not.toMatch(/ at .*\.ts:|at file:/);
  }, 60_000);

  test('the doctor tells one line for each thing it checks, and exits 1 when one fails', async () => {
    await ready(start());
    const healthy = start('doctor');
    expect(await healthy.ended).toBe(0);
    for (const name of ['database', 'storage', 'signing', 'clock', 'images', 'video'])
      expect(healthy.output()).toMatch(new RegExp(`^ok +${name}`, 'm'));

    const ill = start('doctor', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
    expect(await ill.ended).toBe(1);
    expect(ill.output()).toMatch(/^FAIL +database/m);
    expect(ill.output()).toMatch(/^ok +storage/m);
  }, 60_000);
});
