import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { createClient } from '../../src/client/index.ts';
import { migrate } from '../../src/database/connection.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { jpeg } from '../support/media/pictures.ts';
import { type Run, runServer } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { testSecret, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import {
  choose,
  dropPaths,
  eventually,
  type LibraryTab,
  openLibrary,
  slowDown,
  tiles,
  troubleOf,
  until,
} from './library-page.ts';

const MiB = 1024 * 1024;

/** Of a session upload. */
const chunkBytes = 8 * MiB;

/** The library page on a server in a process of its own, which can be killed. */
describe('uploads from the library page', () => {
  let folder: string;
  let database: TestDatabase;
  let port: number;
  let server: Run;
  let ada: ReturnType<typeof restClient>;
  let browser: Browser;
  let tab: LibraryTab;
  let page: Page;
  const address = (): { url: string } => ({ url: `http://127.0.0.1:${port}` });

  const startServer = async (): Promise<void> => {
    server = runServer({
      PORT: String(port),
      DATABASE_URL: database.url,
      DATA_DIR: join(folder, 'data'),
      AUTH_JWT_SECRET: testSecret,
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'error',
    });
    await server.printed(/ready at (http:\S+)/);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mediakeep-page-uploads-'));
    database = await createTestDatabase();
    await migrate(database.url);
    port = await freePort();
    await startServer();
    ada = restClient(address(), await tokenOf('ada'));
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser.close();
    server.child.kill('SIGTERM');
    await server.ended;
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    tab = await openLibrary(browser, address(), { user: 'ada' });
    ({ page } = tab);
    await page.getByRole('button', { name: 'Upload', exact: true }).waitFor();
  });

  afterEach(async () => {
    await tab.close();
    for (let { items } = await ada.list({ first: 100 }); items.length > 0; { items } = await ada.list({ first: 100 })) {
      await Promise.all(items.map(({ id }) => ada.remove(id)));
    }
    expect(tab.troubles).toEqual([]);
  });

  test('200 files at once: all arrive, a few at a time, while the page stays quick and its document small', async () => {
    const photo = await jpeg({ width: 96, height: 64 });
    const files = Array.from({ length: 200 }, (_, index) => ({
      name: `photo-${index}.jpg`,
      mimeType: 'image/jpeg',
      buffer: photo,
    }));
    let running = 0;
    let most = 0;
    page.on('request', (request) => {
      if (request.method() !== 'POST' || !isForm(request.headers())) return;
      running += 1;
      most = Math.max(most, running);
    });
    page.on('response', (response) => {
      if (response.request().method() === 'POST' && isForm(response.request().headers())) running -= 1;
    });
    await page.evaluate(`(() => {
      window.gaps = [];
      let last = performance.now();
      const frame = (now) => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
      requestAnimationFrame(frame);
    })()`);
    await choose(page, files);
    await page.getByRole('heading', { name: /^Uploading · \d+ of 200 done/ }).waitFor();
    await page.getByRole('heading', { name: '200 files uploaded' }).waitFor({ timeout: 90_000 });
    const gaps = ((await page.evaluate('window.gaps')) as number[]).toSorted((a, b) => a - b);
    // Half of the frames come at once, on a machine that is busy with the server and the browser besides.
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThan(60);
    expect(most).toBeLessThanOrEqual(4);
    await page.getByText('200 items').waitFor();
    await page.getByRole('button', { name: 'Close uploads' }).click();
    // After a reload they come in pages, as one scrolls, and only those near the screen are in the document.
    await page.reload();
    await tiles(page).first().waitFor();
    for (let step = 0; step < 12; step += 1) {
      await page.mouse.wheel(0, 1500);
      await page.waitForTimeout(100);
      expect(await tiles(page).count()).toBeLessThan(120);
    }
    await page.keyboard.press('End');
    await eventually(async () => {
      await page.mouse.wheel(0, 4000);
      expect(await page.locator('.tile[aria-posinset="200"]').count()).toBe(1);
    });
  });

  test('a small file over a slow line shows how far it is, can be paused, resumed and cancelled', async () => {
    await slowDown(page, 30_000);
    const bytes = Buffer.concat([await jpeg({ width: 96, height: 64 }), Buffer.alloc(300_000)]);
    await choose(page, [{ name: 'slow.jpg', mimeType: 'image/jpeg', buffer: bytes }]);
    await page
      .getByText(/^\d+(\.\d)? of 30\d KB · \d+(\.\d)? KB\/s · \d+ s left$/)
      .last()
      .waitFor();
    await page.getByRole('button', { name: 'Pause slow.jpg' }).click();
    await page.locator('.upload-state', { hasText: 'Paused' }).waitFor();
    await page.getByRole('button', { name: 'Resume slow.jpg' }).click();
    await page
      .getByText(/ KB\/s · /)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Cancel slow.jpg' }).click();
    await page.locator('.uploads').waitFor({ state: 'detached' });
    await eventually(async () => expect(await usedBytes()).toBe(0));
  });

  test.each([
    { what: 'a small file', sizeBytes: 1 * MiB, logged: [] },
    { what: 'a large file', sizeBytes: 24 * MiB, logged: [troubleOf('500 (Internal Server Error)')] },
  ])('$what that the server failed to keep says so, and arrives by Retry: once, and whole', async ({ sizeBytes, logged }) => {
    const film = await filmOf(sizeBytes);
    const sent = ranges(page);
    await slowDown(page, sizeBytes / 2);
    await choose(page, [film.path]);
    await until(page, `document.querySelector('.upload progress')?.value > ${sizeBytes / 2}`, 30_000);
    await withoutTable(async () => {
      await page.getByRole('heading', { name: '1 upload failed' }).waitFor();
      await page.getByText('Something went wrong on our side. It has been logged; please try again.', { exact: true }).waitFor();
    });
    expect((await ada.list()).items).toEqual([]);
    await page.getByRole('button', { name: `Retry ${basename(film.path)}` }).click();
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor({ timeout: 30_000 });
    expect(await storedHash()).toBe(film.sha256);
    expect(await tiles(page).count()).toBe(1);
    expect(sentTwice(sent, sizeBytes)).toBeLessThanOrEqual(chunkBytes);
    // A piece of a large file is answered by a status of its own, which the browser logs by itself.
    expect(new Set(tab.troubles.splice(0))).toEqual(new Set(logged));
  });

  test('what waits for the server goes on at once by Try now', async () => {
    await tab.withoutServer(async () => {
      await page.route('**/graphql', (route) => route.abort('connectionrefused'));
      await choose(page, [{ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: await jpeg({ width: 96, height: 64 }) }]);
      // By then it would take so long by itself.
      await page.getByText('Trying again in 8 s.').waitFor({ timeout: 30_000 });
      await page.unroute('**/graphql');
    });
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor({ timeout: 4000 });
  });

  test('a dropped folder: every file in it and in its folders arrives, but what systems hide there', async () => {
    const photo = await jpeg({ width: 96, height: 64 });
    const album = join(folder, 'album');
    // A browser hands out a hundred names at a time.
    const names = Array.from({ length: 120 }, (_, index) => `${index}.jpg`);
    await mkdir(join(album, 'summer', 'lake'), { recursive: true });
    await Promise.all(names.map((name) => writeFile(join(album, name), photo)));
    await writeFile(join(album, 'summer', 'a.jpg'), photo);
    await writeFile(join(album, 'summer', 'lake', 'b.jpg'), photo);
    await writeFile(join(album, '.DS_Store'), 'of the system');
    await writeFile(join(folder, 'beside.jpg'), photo);
    await dropPaths(page, [album, join(folder, 'beside.jpg')]);
    const expected = [...names, 'a.jpg', 'b.jpg', 'beside.jpg'];
    await page.getByRole('heading', { name: `${expected.length} files uploaded` }).waitFor({ timeout: 60_000 });
    const kept: string[] = [];
    for await (const { filename } of createClient({ ...address(), token: await tokenOf('ada') }).list()) kept.push(filename);
    expect(kept.toSorted()).toEqual(expected.toSorted());
  });

  test('what the network cuts off goes on by itself when it is back', async () => {
    const film = await filmOf(40 * MiB);
    await slowDown(page, 12 * MiB);
    await choose(page, [film.path]);
    await until(page, `document.querySelector('.upload progress')?.value > ${10 * MiB}`, 30_000);
    await tab.withoutServer(async () => {
      await tab.context.setOffline(true);
      await page.getByText('You are offline. This goes on by itself').waitFor();
      await page.waitForTimeout(500);
      await tab.context.setOffline(false);
    });
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor({ timeout: 60_000 });
    expect(await storedHash()).toBe(film.sha256);
  });

  test('a reload in the middle: the page says what was interrupted, and the file goes on where it was', async () => {
    const film = await filmOf(64 * MiB);
    const sent = ranges(page);
    await slowDown(page, 8 * MiB);
    await choose(page, [film.path]);
    await until(page, `document.querySelector('.upload progress')?.value > ${26 * MiB}`, 30_000);
    // Another tab does not take for interrupted what this one is at.
    const other = await tab.context.newPage();
    await other.goto(address().url);
    await other.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
    expect(await other.locator('.uploads').count()).toBe(0);
    await other.close();
    await page.reload();
    await page.getByRole('heading', { name: '1 upload interrupted' }).waitFor();
    await page.getByText(/^\d+ % was sent$/).waitFor();
    await choose(page, [film.path]);
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor({ timeout: 60_000 });
    expect(sentTwice(sent, 64 * MiB)).toBeLessThanOrEqual(chunkBytes);
    expect(await storedHash()).toBe(film.sha256);
    // Nothing is left to go on with.
    await page.reload();
    await tiles(page).first().waitFor();
    expect(await page.locator('.uploads').count()).toBe(0);
    expect(await page.evaluate('localStorage.length')).toBe(0);
  });

  test('the server killed in the middle: the page says that it is away, and goes on by itself when it is back', async () => {
    const film = await filmOf(160 * MiB);
    const sent = ranges(page);
    await slowDown(page, 48 * MiB);
    await choose(page, [film.path]);
    await until(page, `document.querySelector('.upload progress')?.value > ${0.6 * 160 * MiB}`, 60_000);
    await tab.withoutServer(async () => {
      server.child.kill('SIGKILL');
      await server.ended;
      await page.getByText('The server can’t be reached.').waitFor({ timeout: 30_000 });
      await startServer();
    });
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor({ timeout: 60_000 });
    expect(sentTwice(sent, 160 * MiB)).toBeLessThanOrEqual(chunkBytes);
    expect(await storedHash()).toBe(film.sha256);
  });

  test('1 GiB of video: the server needs hardly more memory for it', async () => {
    // What a process needs to do this at all, it has after this.
    const client = createClient({ ...address(), token: await tokenOf('ada') });
    const small = await openAsBlob((await filmOf(32 * MiB)).path, { type: 'video/mp4' });
    for (let round = 0; round < 3; round += 1) await client.delete((await client.upload(small, { filename: 'small.mp4' })).id);
    const before = await peakBytes(server);
    const film = await filmOf(1024 * MiB);
    await choose(page, [film.path]);
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor({ timeout: 160_000 });
    const growth = Math.round(((await peakBytes(server)) - before) / MiB);
    process.stdout.write(`1 GiB from the page: server memory +${growth} MiB\n`);
    expect(growth).toBeLessThanOrEqual(40);
    const { items } = await ada.list();
    expect(items[0]).toMatchObject({ size: 1024 * MiB, sha256: film.sha256, duration: 1 });
  });

  /** Does `work` while the server has no table of assets: whatever asks for one ends in INTERNAL_SERVER_ERROR. */
  async function withoutTable(work: () => Promise<void>): Promise<void> {
    await query(database.url, 'alter table media_assets rename to mislaid');
    try {
      await work();
    } finally {
      await query(database.url, 'alter table mislaid rename to media_assets');
    }
  }

  async function usedBytes(): Promise<number> {
    const answer = await fetch(`${address().url}/graphql?query={myUsage{bytes}}`, {
      headers: { authorization: `Bearer ${await tokenOf('ada')}` },
    });
    const { data } = (await answer.json()) as { data: { myUsage: { bytes: number } } };
    return data.myUsage.bytes;
  }

  /** The SHA-256 of the only asset, of the bytes as they are served. */
  async function storedHash(): Promise<string> {
    const { items } = await ada.list();
    expect(items).toHaveLength(1);
    const hash = createHash('sha256');
    const { body } = await fetch(items[0]?.url ?? '');
    for await (const chunk of body ?? []) hash.update(chunk);
    expect(hash.copy().digest('hex')).toBe(items[0]?.sha256);
    return hash.digest('hex');
  }

  async function filmOf(sizeBytes: number): Promise<{ path: string; sha256: string }> {
    const path = join(folder, `film-${sizeBytes}.mp4`);
    const hash = createHash('sha256');
    const film = await bigMp4({ sizeBytes });
    film.on('data', (piece: Buffer) => hash.update(piece));
    await pipeline(film, createWriteStream(path));
    return { path, sha256: hash.digest('hex') };
  }
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** The most memory that a process has held. */
async function peakBytes({ child }: Run): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

function isForm(headers: Record<string, string>): boolean {
  return headers['content-type']?.startsWith('multipart/form-data') === true;
}

/** Every range of bytes that the page begins to send. */
function ranges(page: Page): [start: number, end: number][] {
  const sent: [number, number][] = [];
  page.on('request', (request) => {
    const match = request.method() === 'PUT' ? /^bytes (\d+)-(\d+)\//.exec(request.headers()['content-range'] ?? '') : null;
    if (match !== null) sent.push([Number(match[1]), Number(match[2]) + 1]);
  });
  return sent;
}

function sentTwice(sent: readonly (readonly [number, number])[], sizeBytes: number): number {
  return sent.reduce((sum, [start, end]) => sum + end - start, 0) - sizeBytes;
}
