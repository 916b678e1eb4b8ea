import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { jpeg } from '../support/media/pictures.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';

describe('a page of the server, in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  let folder: string;
  let photo: string;
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    server = await startTestServer();
    browser = await openChromium();
    folder = await mkdtemp(join(tmpdir(), 'mediakeep-pages-'));
    photo = join(folder, 'At the sea.jpg');
    await writeFile(photo, await jpeg({ width: 48, height: 32 }));
    await mkdir('.artifacts', { recursive: true });
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    troubles = [];
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
    page.on('request', (request) => {
      if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(`${server.url}/`))
        troubles.push(`asks ${request.url()}`);
    });
  });

  afterEach(async () => {
    await page.close();
  });

  test('the REST door’s page takes a token and uploads a photo', async () => {
    await page.goto(`${server.url}/api/v1/docs`);
    await page.click('button.authorize');
    await page.fill('.auth-container input', await tokenOf('ada'));
    await page.click('.auth-btn-wrapper button.authorize');
    await page.click('.auth-btn-wrapper button.btn-done');
    const operation = page.locator('.opblock-post', { hasText: '/media/upload/image' });
    await operation.locator('.opblock-summary').click();
    await operation.locator('input[type=file]').setInputFiles(photo);
    await operation.locator('button.execute').click();
    const answer = operation.locator('.live-responses-table');
    await answer.waitFor({ timeout: 20_000 });
    await page.screenshot({ path: '.artifacts/rest-page.png' });
    const text = await answer.textContent();
    expect(text).toContain('201');
    expect(text).toMatch(/"filename":\s*"At the sea\.jpg"/);
    expect(troubles).toEqual([]);
  });

  test('the playground, signed in as it comes, uploads a photo and lists it', async () => {
    await page.goto(`${server.url}/graphql`);
    await page.locator('input[type=file]').first().setInputFiles(photo);
    await page.getByText('(Send mutation UploadImage)').click();
    await shows('"filename": "At the sea.jpg"');
    await page.getByText('(Send query MyMedia)').click();
    await shows('"title": "My first picture"');
    await page.screenshot({ path: '.artifacts/playground.png' });
    expect(troubles).toEqual([]);
  });

  const shows = (text: string): Promise<void> => page.locator('app-query-result', { hasText: text }).waitFor({ timeout: 20_000 });
});
