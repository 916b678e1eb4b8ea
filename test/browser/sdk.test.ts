import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type * as Sdk from '../../src/client/index.ts';
import { query } from '../support/database.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import { openSdkPage, type SdkPage } from './sdk-page.ts';

const sizeBytes = 40 * 1024 * 1024;

let server: TestServer;
let browser: Browser;
let sdkPage: SdkPage;
let page: Page;
let inPage: SdkPage['inPage'];
let folder: string;
let sha256: string;
const troubles: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const token = await tokenOf('ada');
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-sdk-'));
  const film = Buffer.concat(await (await bigMp4({ sizeBytes })).toArray());
  sha256 = createHash('sha256').update(film).digest('hex');
  await writeFile(join(folder, 'film.mp4'), film);
  browser = await openChromium();
  sdkPage = await openSdkPage(browser, { url: server.url, token }, join(folder, 'film.mp4'));
  ({ page, inPage } = sdkPage);
  page.on('pageerror', (error) => troubles.push(error.message));
});

afterEach(async () => {
  await inPage(async ({ client }) => {
    for await (const { id } of client.list()) await client.delete(id);
  });
  expect(troubles).toEqual([]);
  expect(await server.storedFiles()).toEqual([]);
});

afterAll(async () => {
  await browser.close();
  sdkPage.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

test.each(['multipart', 'session'] as const)('a page of another origin uploads by %s with true progress', async (via) => {
  // For a second or so: Chromium tells of progress every 50 ms, and this machine's own network may be done by then.
  await throttle(sizeBytes);
  const { asset, reports, code } = await inPage(
    async ({ client, file, how }) => {
      const reports: number[] = [];
      const asset = await client.upload(file, { ...how, onProgress: ({ sentBytes }) => reports.push(sentBytes) });
      const code = await client.update('none', { title: 'x' }).then(
        () => 'done',
        (error: Sdk.MediakeepError) => [error.code, typeof error.requestId],
      );
      return { asset, reports, code };
    },
    { via },
  );
  await quickly();
  expect(asset).toMatchObject({ kind: 'VIDEO', filename: 'film.mp4', sha256 });
  expect(reports[0]).toBe(0);
  expect(reports.at(-1)).toBe(sizeBytes);
  expect(reports).toEqual(reports.toSorted((a, b) => a - b));
  expect(reports.length).toBeGreaterThan(4);
  expect(code).toEqual(['NOT_FOUND', 'string']);
});

test.each(['multipart', 'session'] as const)('a page cancels an upload by %s, and nothing is left', async (via) => {
  await slowly();
  const outcome = await inPage(
    async ({ client, file, how }) => {
      const stop = new AbortController();
      const onProgress = ({ sentBytes }: Sdk.UploadProgress): void => {
        if (sentBytes > 3_000_000) stop.abort();
      };
      return await client.upload(file, { ...how, signal: stop.signal, onProgress }).then(
        () => 'done',
        (error: Error) => error.name,
      );
    },
    { via },
  );
  await quickly();
  expect(outcome).toBe('AbortError');
  await untilRows(0);
});

test('an upload goes on after the tab was reloaded in the middle, and sends little of it twice', async () => {
  await slowly();
  const half = page.waitForFunction('window.sentBytes > 20_000_000', undefined, { polling: 50 });
  await inPage(async ({ client, file, sdk, tell }) => {
    const resume = sdk.webStorage(tell.localStorage);
    const onProgress = ({ sentBytes }: Sdk.UploadProgress): void => {
      tell.sentBytes = sentBytes;
    };
    // The page will be gone before it ends.
    client.upload(file, { resume, onProgress }).catch(() => undefined);
  });
  await half;
  await sdkPage.reload();
  await quickly();
  const { asset, reports, kept } = await inPage(async ({ client, file, sdk, tell }) => {
    const reports: number[] = [];
    const resume = sdk.webStorage(tell.localStorage);
    const asset = await client.upload(file, { resume, onProgress: ({ sentBytes }) => reports.push(sentBytes) });
    return { asset, reports, kept: tell.localStorage.length };
  });
  expect(asset.sha256).toBe(sha256);
  expect(reports[1]).toBeGreaterThanOrEqual(16 * 1024 * 1024);
  expect(kept).toBe(0);
  await untilRows(1);
});

/** As a line of 10 MB/s, so that there is time to see something. */
async function slowly(): Promise<void> {
  await throttle(10_000_000);
}

async function quickly(): Promise<void> {
  await throttle(-1);
}

async function throttle(uploadThroughput: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput,
  });
}

async function untilRows(count: number): Promise<void> {
  const rows = () => query(server.databaseUrl, 'select id from media_assets');
  for (let patience = 100; patience > 0 && (await rows()).length !== count; patience -= 1) await page.waitForTimeout(50);
  expect(await rows()).toHaveLength(count);
}
