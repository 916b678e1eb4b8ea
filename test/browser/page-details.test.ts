import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Locator, Page, Request } from 'playwright-core';
import type { WireAsset } from '../support/doors.ts';
import { jpeg } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import { eventually, findings, type LibraryTab, openLibrary, tile, until } from './library-page.ts';

/** What can be done with one picture beyond its words, which the journey has. */
describe('the details of a picture', () => {
  let server: TestServer;
  let browser: Browser;
  let tab: LibraryTab;
  let page: Page;
  let dialog: Locator;
  let ada: ReturnType<typeof restClient>;
  let photo: Buffer;
  let asset: WireAsset;

  beforeAll(async () => {
    server = await startTestServer();
    ada = restClient(server, await tokenOf('ada'));
    photo = await jpeg({ width: 900, height: 600 });
    asset = await ada.upload({ kind: 'IMAGE', name: 'photo.jpg', bytes: photo });
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

  test('a press on the small picture keeps that spot in sight, until it is to be found again', async () => {
    await dialog.getByText('Focus found by itself').click();
    const picture = dialog.locator('.focus-picture');
    const { width = 0, height = 0 } = (await picture.boundingBox()) ?? {};
    await picture.click({ position: { x: width / 4, y: (height * 3) / 4 } });
    await dialog.getByText('Saved', { exact: true }).waitFor();
    expect(await focusOf(asset)).toEqual({ x: expect.closeTo(0.25, 1), y: expect.closeTo(0.75, 1) });
    // The next visit finds it so.
    await page.reload();
    await dialog.getByText(/^Focus 2\d% 7\d%$/).click();
    expect(Number(await dialog.getByLabel('From the top').inputValue())).toBeCloseTo(75, -1);
    await dialog.getByRole('button', { name: 'Let it be found' }).click();
    await dialog.getByText('Focus found by itself').waitFor();
    expect(await focusOf(asset)).toBeNull();
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

  test('tags that are typed one after the other are all kept, however slow the server is', async () => {
    await page.route('**/graphql', async (route) => {
      if (isSaving(route.request())) await sleep(500);
      await route.continue();
    });
    await dialog.getByLabel('Tags', { exact: true }).focus();
    for (const tag of ['alpha', 'beta', 'gamma']) {
      await page.keyboard.type(tag);
      await page.keyboard.press('Enter');
    }
    // Each is to be seen at once.
    expect(await dialog.locator('.tag-name').allTextContents()).toEqual(['alpha', 'beta', 'gamma']);
    await dialog.getByText('Saved', { exact: true }).waitFor();
    expect((await ada.get(asset.id))?.tags).toEqual(['alpha', 'beta', 'gamma']);
  });

  test('what could not be saved is told, and kept, also when the details are closed', async () => {
    const title = dialog.getByLabel('Title');
    const toast = page.getByRole('alert');
    const second = await ada.upload({ kind: 'IMAGE', name: 'second.jpg', bytes: photo });
    await close();
    await page.reload();
    await tile(page, 'photo.jpg').click();
    await tab.withoutServer(async () => {
      await page.route('**/graphql', (route) =>
        isSaving(route.request()) ? route.abort('connectionrefused') : route.continue(),
      );
      await title.fill('By night');
      await page.keyboard.press('Escape');
      await toast.getByText('Not saved: what you changed of “photo.jpg”.').waitFor();
      expect(await findings(page)).toEqual([]);
      // The details show it as the user has it.
      await tile(page, 'photo.jpg').click();
      await dialog.getByText('Not saved.').waitFor();
      expect(await title.inputValue()).toBe('By night');
      await page.keyboard.press('Escape');
      await toast.waitFor();
    });
    // Nor is it in the way of what is last in the details of another, on a phone.
    await page.setViewportSize({ width: 390, height: 780 });
    await tile(page, 'second.jpg').click();
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click({ trial: true });
    await page.keyboard.press('Escape');
    await page.unroute('**/graphql');
    await toast.getByRole('button', { name: 'Try again' }).click();
    await tile(page, 'By night').waitFor();
    await toast.waitFor({ state: 'detached' });
    expect((await ada.get(asset.id))?.title).toBe('By night');
    await ada.update(asset.id, { title: null });
    await ada.remove(second.id);
  });

  test('of what was deleted elsewhere, nothing can be saved, and the library forgets it', async () => {
    const other = await ada.upload({ kind: 'IMAGE', name: 'other.jpg', bytes: photo });
    await close();
    await page.reload();
    await tile(page, 'other.jpg').click();
    await dialog.getByLabel('Title').waitFor();
    // A picture that is still to be loaded could not be any more.
    await until(page, '[...document.images].every(({ complete }) => complete)');
    await ada.remove(other.id);
    await dialog.getByLabel('Title').fill('Too late');
    await page.keyboard.press('Enter');
    await dialog.getByText('“other.jpg” was deleted elsewhere').waitFor();
    await dialog.getByText('There is nothing here any more').waitFor();
    expect(await dialog.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByText('1 item', { exact: true }).waitFor();
    expect(await tile(page, 'other.jpg').count()).toBe(0);
  });

  test('a link to the original lives as long as is chosen', async () => {
    const link = dialog.getByLabel('Link to the original');
    const short = await link.inputValue();
    await dialog.getByLabel('Shows the original to whoever has it, for').selectOption('a week');
    await eventually(async () => expect(secondsLeft(await link.inputValue())).toBeGreaterThan(604_800 / 2));
    const answer = await fetch(await link.inputValue());
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(photo)).toBe(true);
    expect(await dialog.getByRole('link', { name: 'Open the original in a new tab' }).getAttribute('href')).toBe(
      await link.inputValue(),
    );
    await dialog.getByLabel('Shows the original to whoever has it, for').selectOption('an hour');
    expect(await link.inputValue()).toBe(short);
    expect(secondsLeft(short)).toBeLessThanOrEqual(2 * 3600);
  });

  /** The address, which a reload goes by, changes a moment after the key. */
  const close = async (): Promise<void> => {
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  };
  const focusOf = async ({ id }: WireAsset): Promise<WireAsset['focus']> => (await ada.get(id))?.focus;
});

function isSaving(request: Request): boolean {
  return request.postData()?.includes('updateMedia') === true;
}

/** Until a signed link ends. */
function secondsLeft(link: string): number {
  return Number(new URL(link).searchParams.get('expires')) - Date.now() / 1000;
}
