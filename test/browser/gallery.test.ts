import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { gif, png } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';

const pictures = 50;

describe('a page of fifty pictures', () => {
  let server: TestServer;
  let site: Server;
  let address: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    server = await startTestServer();
    const token = await tokenOf('ada');
    const ada = restClient(server, token);
    for (let index = 0; index < pictures; index += 1) {
      const { name, bytes } = await pictureNumber(index);
      await ada.upload({ kind: 'IMAGE', name, bytes });
    }
    site = await serveSite();
    const { port } = site.address() as AddressInfo;
    address = `http://localhost:${port}/#${new URLSearchParams({ api: server.url, token })}`;
    browser = await openChromium();
    context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    page = await context.newPage();
    await mkdir('.artifacts', { recursive: true });
  });

  afterAll(async () => {
    await browser.close();
    site.close();
    site.closeAllConnections();
    await server.close();
  });

  test('shows placeholders at once, then each picture in the size and format that fits', async () => {
    const traffic = await loaded(page, address);
    expect(traffic.fromNetwork).toHaveLength(pictures);
    const shown = await page.$$eval('img.picture', (images) =>
      images.map((image) => ({ width: image.naturalWidth, height: image.naturalHeight, from: image.currentSrc })),
    );
    expect(shown).toHaveLength(pictures);
    for (const { width, height, from } of shown) {
      expect(width > 0 && height > 0).toBe(true);
      // A tenth of 1400 pixels: the step above 128 would be too much by half.
      expect(from).toMatch(/\/w256-h\d+-inside\.auto\?/);
    }
    expect(traffic.types).toEqual({ 'image/avif': pictures - 5, 'image/webp': 5 });
    const placeholders = await page.$$eval('img.placeholder', (images) => images.map((image) => image.naturalWidth));
    expect(placeholders.every((width) => width >= 20)).toBe(true);
    await page.screenshot({ path: '.artifacts/gallery.png' });
    await page.$$eval('img.picture', (images) => images.map((image) => image.classList.add('waiting')));
    await page.screenshot({ path: '.artifacts/gallery-placeholders.png' });
  });

  test('has placeholders that look like their pictures', async () => {
    const frames = await page.$$eval('.frame', (each) =>
      each.map((frame) => ({ name: frame.parentElement?.textContent ?? '', box: frame.getBoundingClientRect().toJSON() })),
    );
    for (const { name, box } of frames) {
      // Of what moves, a screenshot shows any frame; and through what is clear, the placeholder shines.
      if (!name.startsWith('hill')) continue;
      const [picture, placeholder] = await Promise.all(['gallery', 'gallery-placeholders'].map((file) => meanColour(file, box)));
      for (const [channel, value] of (picture ?? []).entries()) {
        const off = Math.abs(value - (placeholder?.[channel] ?? 0));
        expect({ name, channel, isNear: off < 30 }).toEqual({ name, channel, isNear: true });
      }
    }
  });

  test('takes every picture from its cache when it is opened again', async () => {
    await page.goto('about:blank');
    const traffic = await loaded(page, address);
    expect(traffic.fromNetwork).toEqual([]);
    expect(traffic.fromCache).toBe(pictures);
  });
});

interface Traffic {
  /** Pictures that were asked of the server. */
  readonly fromNetwork: string[];
  fromCache: number;
  /** How many came in each media type. */
  readonly types: Record<string, number>;
}

/** Opens the page, waits until every picture is there, and tells how they came. */
async function loaded(page: Page, address: string): Promise<Traffic> {
  const traffic: Traffic = { fromNetwork: [], fromCache: 0, types: {} };
  const session = await page.context().newCDPSession(page);
  const cached = new Set<string>();
  await session.send('Network.enable');
  session.on('Network.requestServedFromCache', ({ requestId }) => cached.add(requestId));
  session.on('Network.responseReceived', ({ requestId, response }) => {
    if (!response.url.includes('/media/')) return;
    traffic.types[response.mimeType] = (traffic.types[response.mimeType] ?? 0) + 1;
    if (response.fromDiskCache === true || cached.has(requestId)) traffic.fromCache += 1;
    else traffic.fromNetwork.push(response.url);
  });
  const troubles: string[] = [];
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  page.on('pageerror', (error) => troubles.push(error.message));
  await page.goto(address);
  // As text, because the types of a browser are not those of a server.
  const isReady = `((images) => images.length === ${pictures} && images.every((each) => each.complete && each.naturalWidth > 0))([...document.querySelectorAll('img.picture')])`;
  await page.waitForFunction(isReady, undefined, { timeout: 60_000 }).catch((error: unknown) => {
    throw new Error(`The page does not show its pictures: ${troubles.join('; ')}`, { cause: error });
  });
  await session.detach();
  return traffic;
}

/** The mean colour of a part of a screenshot. */
async function meanColour(file: string, box: { x: number; y: number; width: number; height: number }): Promise<number[]> {
  const [left = 0, top = 0, width = 0, height = 0] = [box.x, box.y, box.width, box.height].map(Math.round);
  const screenshot = sharp(await readFile(`.artifacts/${file}.png`)).removeAlpha();
  return [...(await screenshot.extract({ left, top, width, height }).resize(1, 1, { fit: 'fill' }).raw().toBuffer())];
}

/** The page, on an origin of its own. */
async function serveSite(): Promise<Server> {
  const files: Record<string, [type: string, bytes: Buffer]> = {
    '/': ['text/html', await readFile('test/browser/gallery.html')],
    '/thumbhash.js': ['text/javascript', await readFile('node_modules/thumbhash/thumbhash.js')],
  };
  const site = createServer((request, response) => {
    const [type, bytes] = files[request.url ?? ''] ?? [];
    if (type === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(bytes);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  return site;
}

/** Landscapes, portraits, see-through ones and moving ones: a sun over a hill, each in other colours. */
async function pictureNumber(index: number): Promise<{ name: string; bytes: Buffer }> {
  if (index % 10 === 9) return { name: `moving-${index}.gif`, bytes: await gif({ width: 480, height: 320, frames: 3 }) };
  if (index % 10 === 4) return { name: `clear-${index}.png`, bytes: await png({ width: 480, height: 320, alpha: true }) };
  const [width, height] = index % 3 === 0 ? [800, 1200] : [1200, 800];
  const pixels = Buffer.alloc(300 * 300 * 3);
  for (let at = 0; at < 300 * 300; at += 1) {
    const [x, y] = [(at % 300) / 300, Math.floor(at / 300) / 300];
    const isSun = (x - 0.2 - (index % 7) / 10) ** 2 + (y - 0.3) ** 2 < 0.015;
    const isHill = y > 0.75 - 0.15 * Math.sin(x * 5 + index);
    pixels.set(
      isSun ? [255, 230, 120] : isHill ? [40 + index, 90 + index * 2, 60] : [90 + index * 3, 140 + 60 * y, 250 - index * 4],
      at * 3,
    );
  }
  const photo = sharp(pixels, { raw: { width: 300, height: 300, channels: 3 } }).resize(width, height, { fit: 'fill' });
  return { name: `hill-${index}.jpg`, bytes: await photo.jpeg().toBuffer() };
}
