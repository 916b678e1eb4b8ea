import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { sample } from '../support/media/files.ts';
import { jpeg } from '../support/media/pictures.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';

let server: TestServer;
let site: Server;
let browser: Browser;
let page: Page;
let folder: string;
const troubles: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ MAX_IMAGE_BYTES: '100000' });
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-uppy-'));
  site = await serveExample();
  browser = await openChromium();
  page = await browser.newPage();
  page.on('pageerror', (error) => troubles.push(error.message));
  await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
  await page.waitForFunction('window.example !== undefined');
});

afterAll(async () => {
  await browser.close();
  site.close();
  site.closeAllConnections();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

test('Uppy’s XHRUpload uploads with progress from a page of another origin; what is listed, changed and deleted follows', async () => {
  const photo = await jpeg({ width: 48, height: 32 });
  const names = ['1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg'];
  await choose('images', await Promise.all(names.map((name) => file(name, photo))));
  await choose('videos', [await file('6.mp4', await sample('faststart.mp4'))]);
  const outcome = await inPage(async ({ connect, chosen, server }) => {
    const client = connect(server);
    const steps: number[] = [];
    const images = await client.upload('image', chosen('images'), (percent) => steps.push(percent));
    const videos = await client.upload('video', chosen('videos'));
    const listed = await client.listAll(2);
    const [first] = images.uploaded;
    const retitled = await client.retitle(first?.id ?? '', 'At the lake');
    await client.remove(first?.id ?? '');
    return { images, videos, steps, listed, retitled, remaining: await client.listAll(100), gone: first?.filename };
  });
  expect(outcome.images.refused).toEqual([]);
  expect(outcome.images.uploaded.map(({ filename }) => filename).toSorted()).toEqual(names);
  expect(outcome.images.uploaded[0]?.title).toMatch(/^My \d\.jpg$/);
  expect(outcome.steps.length).toBeGreaterThan(0);
  // Uppy tells its 0 when it gets to it, which on a busy machine is after the first bytes.
  const grown = outcome.steps.filter((percent) => percent > 0);
  expect(grown).toEqual(grown.toSorted((a, b) => a - b));
  expect(outcome.videos).toMatchObject({ uploaded: [{ filename: '6.mp4' }], refused: [] });
  expect(outcome.listed.toSorted()).toEqual([...names, '6.mp4']);
  expect(outcome.retitled.title).toBe('At the lake');
  expect(outcome.remaining.toSorted()).toEqual([...names, '6.mp4'].filter((name) => name !== outcome.gone));
  expect(troubles).toEqual([]);
});

test('Uppy is told why a file is refused', async () => {
  const photo = await jpeg({ width: 48, height: 32 });
  const long = Buffer.concat([photo, Buffer.alloc(100_000)]);
  await choose('images', [
    await file('words.jpg', Buffer.from('words '.repeat(1000))),
    await file('long.jpg', long),
    await file('fine.jpg', photo),
  ]);
  const { uploaded, refused } = await inPage(({ connect, chosen, server }) => connect(server).upload('image', chosen('images')));
  expect(uploaded.map(({ filename }) => filename)).toEqual(['fine.jpg']);
  expect(Object.fromEntries(refused.map(({ filename, reason }) => [filename, reason.code]))).toEqual({
    'words.jpg': 'UNSUPPORTED_MEDIA_TYPE',
    'long.jpg': 'FILE_TOO_LARGE',
  });
  const stranger = await inPage(({ connect, chosen, server }) =>
    connect({ ...server, token: 'none' }).upload('image', chosen('images')),
  );
  expect(stranger.refused.map(({ reason }) => reason.code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'UNAUTHENTICATED']);
});

interface Shown {
  readonly id: string;
  readonly filename: string;
  readonly title: string | null;
}

/** What examples/uppy.ts exports, and what a page has; the types of the browser itself do not belong among those of a server. */
interface InPage {
  connect(server: { url: string; token: string }): {
    upload(
      kind: 'image' | 'video',
      files: unknown,
      onProgress?: (percent: number) => void,
    ): Promise<{ uploaded: Shown[]; refused: { filename: string; reason: { code: string } }[] }>;
    listAll(first: number): Promise<string[]>;
    retitle(id: string, title: string): Promise<Shown>;
    remove(id: string): Promise<void>;
  };
  chosen(input: string): unknown;
  readonly server: { url: string; token: string };
}

/** Runs a function in the page, with the example at hand. */
async function inPage<T>(work: (tools: InPage) => Promise<T>): Promise<T> {
  const script = `(${work})({ connect: example.connect, chosen: (id) => [...document.getElementById(id).files], server: ${JSON.stringify(
    {
      url: server.url,
      token: await tokenOf('ada'),
    },
  )} })`;
  return (await page.evaluate(script)) as T;
}

async function file(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function choose(input: string, paths: string[]): Promise<void> {
  return page.locator(`#${input}`).setInputFiles(paths);
}

/** A page of its own origin with two file inputs and the example as `window.example`. */
async function serveExample(): Promise<Server> {
  const bundle = await build({
    entryPoints: ['examples/uppy.ts'],
    bundle: true,
    format: 'iife',
    globalName: 'example',
    write: false,
    platform: 'browser',
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  const html =
    '<!doctype html><input type="file" id="images" multiple><input type="file" id="videos" multiple><script src="/example.js"></script>';
  const started = createServer((request, response) => {
    if (request.url === '/example.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    else response.writeHead(200, { 'content-type': 'text/html' }).end(html);
  });
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return started;
}
