import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { jpeg } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import { eventually, findings, type LibraryTab, openLibrary, tile } from './library-page.ts';

/** What becomes of a deletion when the user goes on to something else. */
describe('deleting in the library', () => {
  let server: TestServer;
  let browser: Browser;
  let tab: LibraryTab;
  let page: Page;
  let user: ReturnType<typeof restClient>;
  let count = 0;

  beforeAll(async () => {
    server = await startTestServer();
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  // Each has a library of its own: what one deletes, another needs.
  beforeEach(async () => {
    count += 1;
    const name = `remover-${count}`;
    user = restClient(server, await tokenOf(name));
    const photo = await jpeg({ width: 90, height: 60 });
    for (let number = 1; number <= 12; number += 1)
      await user.upload({ kind: 'IMAGE', name: `photo-${number}.jpg`, bytes: photo });
    tab = await openLibrary(browser, server, { user: name, reducedMotion: 'reduce' });
    ({ page } = tab);
    await page.getByText('12 items').waitFor();
  });

  afterEach(async () => {
    await tab.close();
    expect(tab.troubles).toEqual([]);
  });

  test('is for good when the page is left, however much it is', async () => {
    await page.getByRole('button', { name: 'Select', exact: true }).click();
    await page.getByRole('button', { name: 'Select all' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
    await page.goto('about:blank');
    await eventually(async () => expect((await user.list()).totalCount).toBe(0));
  });

  test('is for good when the user signs out', async () => {
    await tile(page, 'photo-3.jpg').click({ modifiers: ['Control'] });
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('11 items').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    await eventually(async () => expect((await user.list()).totalCount).toBe(11));
    // Nor does the page say of somebody who leaves that their token is refused.
    await sleep(300);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('takes only what is shown: what a search leaves out is no longer selected', async () => {
    await tile(page, 'photo-3.jpg').click({ modifiers: ['Control'] });
    await tile(page, 'photo-12.jpg').click({ modifiers: ['Control'] });
    await page.getByLabel('Search').fill('photo-12');
    await page.getByText('1 selected').first().waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('region', { name: 'Just deleted' }).getByText('1 item deleted').waitFor();
    await page.getByLabel('Search').fill('');
    await page.getByText('11 items').waitFor();
    await tile(page, 'photo-3.jpg').waitFor();
  });

  test('can be undone in the details, by key and by pointer, on a desk and on a phone', async () => {
    const dialog = page.getByRole('dialog');
    const undo = dialog.getByRole('button', { name: 'Undo' });
    for (const width of [1200, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await tile(page, 'photo-9.jpg').click();
      await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('dialog', { name: 'photo-8.jpg' }).waitFor();
      // The keys belong to the details still.
      await eventually(async () => expect(await page.evaluate('document.activeElement.className')).toBe('details'));
      expect(await findings(page)).toEqual([]);
      await undo.click();
      await undo.waitFor({ state: 'detached' });
      await dialog.getByText('5 of 12').waitFor();
      await eventually(async () => expect(await page.evaluate('document.activeElement.className')).toBe('details'));
      // One after the other: the toast is not in the way of the next.
      await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
      await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
      await dialog.getByText('2 items deleted').waitFor();
      await page.keyboard.press('Control+z');
      await undo.waitFor({ state: 'detached' });
      await page.keyboard.press('Escape');
      await page.getByText('12 items').waitFor();
    }
    expect((await user.list()).totalCount).toBe(12);
  });

  test('leaves the focus where the user can go on', async () => {
    const name = `document.activeElement.querySelector('.tile-name')?.textContent`;
    await tile(page, 'photo-10.jpg').click({ modifiers: ['Control'] });
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Undo' }).focus();
    await page.keyboard.press('Enter');
    await eventually(async () => expect(await page.evaluate(name)).toBe('photo-10.jpg'));
    // At the end, the button to go on stays, and does nothing.
    await tile(page, 'photo-2.jpg').click();
    const next = page.getByRole('button', { name: 'Next' });
    await next.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'photo-1.jpg' }).waitFor();
    await page.keyboard.press('Enter');
    expect(await page.evaluate(`document.activeElement.getAttribute('aria-label')`)).toBe('Next');
    expect(await next.getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('Escape');
    await eventually(async () => expect(await page.evaluate(name)).toBe('photo-1.jpg'));
  });
});
