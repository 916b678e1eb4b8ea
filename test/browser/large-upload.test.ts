import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createClient, type UploadOptions } from '../../src/client/index.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { type Run, runServer } from '../support/process.ts';
import { openChromium } from './chromium.ts';
import { openSdkPage } from './sdk-page.ts';

/*
 * A large video from Node and from Chromium; the server is killed on the way and started again. LARGE_UPLOAD_BYTES=2147483648 for 2 GiB, which
 * takes minutes; the bounds are the same.
 */
const sizeBytes = Number(process.env.LARGE_UPLOAD_BYTES ?? 128 * 1024 ** 2);
const mebibyte = 1024 ** 2;
/** What createUpload suggests. */
const chunkBytes = 8 * mebibyte;

let folder: string;
let film: string;
let sha256: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-large-'));
  film = join(folder, 'film.mp4');
  await pipeline(await bigMp4({ sizeBytes }), createWriteStream(film));
  const hash = createHash('sha256');
  await pipeline(createReadStream(film), hash);
  sha256 = hash.digest('hex');
}, 600_000);

afterAll(() => rm(folder, { recursive: true }));

describe('a large video', () => {
  let dataDir: string;
  let port: number;
  let server: Run;
  let token: string;
  let largest: number;
  let settled: number;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-large-'));
    port = await freePort();
    server = await start();
    token = await server.printed(/^(eyJ\S+)$/m);
    // Whatever a process needs to do this at all, it has after this.
    const small = new File(await (await bigMp4({ sizeBytes: 32 * mebibyte })).toArray(), 'small.mp4', { type: 'video/mp4' });
    const client = createClient({ url: url(), token });
    for (let round = 0; round < 3; round += 1) await client.delete((await client.upload(small)).id);
    settled = await peakBytes();
    largest = settled;
  });

  afterEach(async () => {
    server.child.kill('SIGTERM');
    await server.ended;
    await rm(dataDir, { recursive: true, force: true });
  });

  const url = (): string => `http://127.0.0.1:${port}`;
  const start = async (): Promise<Run> => {
    const started = runServer({ PORT: String(port), DATA_DIR: dataDir });
    await started.printed(/ready at (http:\S+)/);
    return started;
  };
  /** Kills the server in the middle of whatever it does, and starts it again. */
  const restart = async (): Promise<void> => {
    largest = Math.max(largest, await peakBytes());
    server.child.kill('SIGKILL');
    await server.ended;
    server = await start();
  };
  /** The most memory that the server's process has held. */
  const peakBytes = async (): Promise<number> =>
    1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]);
  const report = async (where: string, startedAt: number, sentBytes: number): Promise<void> => {
    largest = Math.max(largest, await peakBytes());
    const seconds = (performance.now() - startedAt) / 1000;
    const growth = Math.round((largest - settled) / mebibyte);
    process.stdout.write(
      `${where}: ${Math.round(sizeBytes / mebibyte)} MiB in ${seconds.toFixed(0)} s, server memory +${growth} MiB, ${Math.round((sentBytes - sizeBytes) / mebibyte)} MiB sent twice\n`,
    );
  };
  const expectBounds = (sentBytes: number): void => {
    expect(sentBytes).toBeGreaterThanOrEqual(sizeBytes);
    expect(sentBytes).toBeLessThanOrEqual(sizeBytes + chunkBytes);
    expect(largest - settled).toBeLessThanOrEqual(40 * mebibyte);
  };

  test('goes from Node through the death of the server, in bounded memory', async () => {
    const startedAt = performance.now();
    let sentBytes = 0;
    const client = createClient({
      url: url(),
      token,
      retry: { attempts: 60, maxDelayMs: 1000 },
      fetch: (input, init) => {
        sentBytes += carriedBy(new Headers(init?.headers).get('content-range'));
        return fetch(input, init);
      },
    });
    let restarted: Promise<void> | undefined;
    const onProgress: UploadOptions['onProgress'] = (each) => {
      if (each.sentBytes > 0.6 * sizeBytes) restarted ??= restart();
    };
    const asset = await client.upload(await openAsBlob(film, { type: 'video/mp4' }), { filename: 'film.mp4', onProgress });
    await restarted;
    await report('Node', startedAt, sentBytes);
    expect(restarted).toBeDefined();
    expect(asset.sha256).toBe(sha256);
    expectBounds(sentBytes);
  }, 900_000);

  test('goes from Chromium through the death of the server, in bounded memory', async () => {
    const startedAt = performance.now();
    const browser = await openChromium();
    const { page, inPage, close } = await openSdkPage(browser, { url: url(), token }, film);
    try {
      let sentBytes = 0;
      page.on('request', (request) => {
        sentBytes += carriedBy(request.headers()['content-range'] ?? null);
      });
      const half = page.waitForFunction(`window.sentBytes > ${0.6 * sizeBytes}`, undefined, { polling: 100, timeout: 600_000 });
      const restarted = half.then(restart);
      const asset = await inPage(
        ({ client, file, how, tell }) =>
          client.upload(file, {
            ...how,
            onProgress: (each) => {
              tell.sentBytes = each.sentBytes;
            },
          }),
        { retry: { attempts: 60, maxDelayMs: 1000 } },
      );
      await restarted;
      await report('Chromium', startedAt, sentBytes);
      expect(asset.sha256).toBe(sha256);
      expectBounds(sentBytes);
    } finally {
      await browser.close();
      close();
    }
  }, 900_000);
});

/** How many bytes a request with this Content-Range carries. */
function carriedBy(range: string | null): number {
  const [, from, to] = /^bytes (\d+)-(\d+)\//.exec(range ?? '') ?? [];
  return from === undefined ? 0 : Number(to) - Number(from) + 1;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('No port');
  return address.port;
}
