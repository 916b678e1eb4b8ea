import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Locator, Page, Request } from 'playwright-core';
import type { WireAsset } from '../support/doors.ts';
import { jpeg } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import { type LibraryTab, openLibrary, tile } from './library-page.ts';

/** What can be done with one picture beyond its words, which the journey has. */
describe('the details of a picture', () => {
  let server: TestServer;
  let browser: Browser;
  let tab: LibraryTab;
  let page: Page;
  let dialog: Locator;
  let ada: ReturnType<typeof restClient>;
  let asset: WireAsset;

  beforeAll(async () => {
    server = await startTestServer();
    ada = restClient(server, await tokenOf('ada'));
    asset = await ada.upload({ kind: 'IMAGE', name: 'photo.jpg', bytes: await jpeg({ width: 900, height: 600 }) });
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  beforeEach(async () => {
    tab = await openLibrary(browser, server, { user: 'ada', reducedMotion: 'reduce' });
    ({ page } = tab);
    await tile(page, 'photo.jpg').click();
    dialog = page.getByRole('dialog');
  });

  afterEach(async () => {
    await tab.close();
    expect(tab.troubles).toEqual([]);
  });

  test('a change that is made while the one before is still being saved is the one that stays', async () => {
    const isFirst = (request: Request): boolean => request.postData()?.includes('By dawn') === true;
    await page.route('**/graphql', async (route) => {
      if (isFirst(route.request())) await sleep(500);
      await route.continue();
    });
    const answered = page.waitForResponse((response) => isFirst(response.request()));
    const description = dialog.getByLabel('Description');
    for (const words of ['By dawn', 'By dusk']) {
      await description.fill(words);
      await description.blur();
    }
    await answered;
    await dialog.getByText('Saved', { exact: true }).waitFor();
    expect((await ada.get(asset.id))?.altText).toBe('By dusk');
  });
});
