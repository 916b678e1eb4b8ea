import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import type * as Sdk from '../../src/client/index.ts';
import { query } from '../support/database.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';

const sizeBytes = 40 * 1024 * 1024;

let server: TestServer;
let site: Server;
let browser: Browser;
let page: Page;
let folder: string;
let token: string;
let sha256: string;
const troubles: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
  token = await tokenOf('ada');
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-sdk-'));
  const film = Buffer.concat(await (await bigMp4({ sizeBytes })).toArray());
  sha256 = createHash('sha256').update(film).digest('hex');
  await writeFile(join(folder, 'film.mp4'), film);
  site = await serveSdk();
  browser = await openChromium();
  page = await browser.newPage();
  page.on('pageerror', (error) => troubles.push(error.message));
  await open();
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
  site.close();
  site.closeAllConnections();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

test.each(['multipart', 'session'] as const)('a page of another origin uploads by %s with true progress', async (via) => {
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
  await page.evaluate(
    call(async ({ client, file, sdk, tell }) => {
      const resume = sdk.webStorage(tell.localStorage);
      const onProgress = ({ sentBytes }: Sdk.UploadProgress): void => {
        tell.sentBytes = sentBytes;
      };
      // The page will be gone before it ends.
      client.upload(file, { resume, onProgress }).catch(() => undefined);
    }, {}),
  );
  await half;
  await open();
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

/** What a page has: the SDK, and its own window. The types of the browser itself do not belong among those of a server. */
interface InPage {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.MediakeepClient;
  readonly file: File;
  readonly how: Sdk.UploadOptions;
  readonly tell: { sentBytes: number; localStorage: Sdk.WebStorage & { readonly length: number } };
}

function call<T>(work: (tools: InPage) => Promise<T>, how: Sdk.UploadOptions): string {
  const options = JSON.stringify({ url: server.url, token });
  const tools = `sdk, client: sdk.createClient(${options}), file: document.querySelector('input').files[0], how: ${JSON.stringify(how)}, tell: window`;
  return `(${work})({ ${tools} })`;
}

/** Runs a function in the page. */
async function inPage<T>(work: (tools: InPage) => Promise<T>, how: Sdk.UploadOptions = {}): Promise<T> {
  return (await page.evaluate(call(work, how))) as T;
}

/** Opens the page, anew when it is open, and chooses the file. */
async function open(): Promise<void> {
  await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
  await page.locator('input').setInputFiles(join(folder, 'film.mp4'));
}

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

/** A page of its own origin with a file input and the SDK as `sdk`. */
async function serveSdk(): Promise<Server> {
  const how = { bundle: true, format: 'iife', globalName: 'sdk', write: false, platform: 'browser' } as const;
  const bundle = await build({ entryPoints: ['src/client/index.ts'], ...how });
  const script = bundle.outputFiles[0]?.text ?? '';
  const started = createServer((request, response) => {
    if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><input type="file"><script src="/sdk.js"></script>');
  });
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return started;
}
