import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type PageDoorOptions, pageDoor } from '../../src/http/page.ts';
import { exchange, type ListeningServer, listening } from '../support/http.ts';

let folder: string;
let running: ListeningServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-page-'));
});

afterEach(async () => {
  await running?.server.close({ graceSeconds: 0 });
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<PageDoorOptions> = {}): Promise<string> {
  const door = pageDoor({
    tokenFor: () => undefined,
    baseUrl: () => 'https://media.example/library',
    bucketOrigin: undefined,
    folder,
    ...options,
  });
  running = await listening({ doors: [door] });
  return running.url;
}

async function build(): Promise<void> {
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Mediakeep</title>');
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(join(folder, 'assets', 'index-B1c2.js'), 'export {};');
}

describe('the library page', () => {
  test('is asked for again each time, and may run and reach only what is ours', async () => {
    await build();
    const url = await start({ bucketOrigin: 'https://storage.example' });
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<title>Mediakeep</title>');
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    const policy = Object.fromEntries(
      (page.headers.get('content-security-policy') ?? '').split('; ').map((each) => {
        const [name = '', ...sources] = each.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' blob: data: https://media.example https://storage.example",
      'media-src': "'self' blob: data: https://media.example https://storage.example",
      'connect-src': "'self' https://media.example https://storage.example",
      'frame-ancestors': "'none'",
    });
    const again = await fetch(url, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  test('is a new one as soon as it is built anew', async () => {
    await build();
    const url = await start();
    const before = await fetch(url);
    await before.text();
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>New</title>');
    const after = await fetch(url, { headers: { 'if-none-match': before.headers.get('etag') ?? '' } });
    expect(await after.text()).toContain('New');
  });

  test('has files that never change under their names', async () => {
    await build();
    const url = await start();
    const script = await fetch(`${url}/assets/index-B1c2.js`);
    expect(await script.text()).toBe('export {};');
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toMatch(/javascript/);
    const missing = await fetch(`${url}/assets/index-gone.js`);
    expect(missing.status).toBe(404);
    await missing.text();
    const outside = await fetch(`${url}/assets/..%2findex.html`);
    expect(outside.status).toBe(404);
    await outside.text();
  });

  test('offers a token in development, and to pages of other addresses none', async () => {
    await build();
    const url = await start({ tokenFor: (host) => (host?.startsWith('127.0.0.1:') ? 'a.b.c' : undefined) });
    const own = await fetch(`${url}/page-config.json`, { headers: { 'sec-fetch-site': 'same-origin' } });
    expect(await own.json()).toEqual({ token: 'a.b.c' });
    expect(own.headers.get('cache-control')).toBe('no-store');
    for (const site of ['same-site', 'cross-site']) {
      const foreign = await fetch(`${url}/page-config.json`, { headers: { 'sec-fetch-site': site } });
      expect(await foreign.json()).toEqual({ token: null });
    }
    const renamed = await exchange(portOf(url), getAs('evil.example', '/page-config.json'));
    expect(renamed).toMatch(/\{"token":null\}$/);
  });

  test('offers no token where there is none', async () => {
    await build();
    const url = await start();
    expect(await (await fetch(`${url}/page-config.json`)).json()).toEqual({ token: null });
  });

  test('says how it is built when it is not', async () => {
    const url = await start();
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/npm run build:page/);
  });
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** A request under a name that leads to this machine, as a browser sends it after DNS rebinding. */
function getAs(host: string, path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\r\n`;
}
