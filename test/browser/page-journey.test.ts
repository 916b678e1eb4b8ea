import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { sample } from '../support/media/files.ts';
import { gif, jpeg, png } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import {
  type ChosenFile,
  choose,
  drop,
  eventually,
  findings,
  type LibraryTab,
  openLibrary,
  tile,
  tiles,
  troubleOf,
  until,
} from './library-page.ts';

describe('the library page', () => {
  let server: TestServer;
  let browser: Browser;
  let tab: LibraryTab;
  let ada: ReturnType<typeof restClient>;

  beforeAll(async () => {
    server = await startTestServer({ MAX_IMAGE_BYTES: '200000' });
    ada = restClient(server, await tokenOf('ada'));
    browser = await openChromium();
    tab = await openLibrary(browser, server);
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test('lets somebody in with a token, and says when it is not taken', async () => {
    const { page } = tab;
    expect(await findings(page)).toEqual([]);
    await page.getByLabel('Token').fill('not a token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The server no longer takes this token.').waitFor();
    expect(new Set(tab.troubles.splice(0))).toEqual(new Set([troubleOf('401 (Unauthorized)')]));
    await page.getByLabel('Token').fill(await tokenOf('ada'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
    expect(await findings(page)).toEqual([]);
  });

  test('uploads what is chosen, dropped and pasted, and shows it', async () => {
    const { page } = tab;
    // One after the other, so that the gallery's order is known.
    const chosen = [
      { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: await jpeg({ width: 900, height: 600 }) },
      { name: 'clear.png', mimeType: 'image/png', buffer: await png({ width: 60, height: 90, alpha: true }) },
      { name: 'clip.webm', mimeType: 'video/webm', buffer: Buffer.from(await sample('vp8-silent.webm')) },
    ];
    for (const [index, file] of chosen.entries()) {
      await choose(page, [file]);
      await page.getByRole('heading', { name: `${index + 1} file${index === 0 ? '' : 's'} uploaded` }).waitFor();
    }
    await drop(page, { name: 'moving.gif', mimeType: 'image/gif', buffer: await gif({ width: 80, height: 60, frames: 3 }) });
    await page.getByRole('heading', { name: '4 files uploaded' }).waitFor();
    await paste(await jpeg({ width: 300, height: 300 }));
    await page.getByRole('heading', { name: '5 files uploaded' }).waitFor();
    expect(await findings(page)).toEqual([]);
    const names = (await ada.list()).items.map(({ filename }) => filename);
    expect(names.toSorted()).toEqual(
      ['clear.png', 'clip.webm', 'moving.gif', 'photo.jpg', expect.stringMatching(/^Pasted .*\.jpg$/)].toSorted(),
    );
    expect(await tiles(page).count()).toBe(5);
    await page.getByText('5 items').waitFor();
    await until(page, `document.querySelectorAll('.tile-picture.is-here').length === 4`);
    await page.getByRole('button', { name: 'Close uploads' }).click();
    expect(tab.troubles).toEqual([]);
  });

  test('tells why a file is not taken, and what can be tried again', async () => {
    const { page } = tab;
    await choose(page, [
      { name: 'words.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('words '.repeat(1000)) },
      {
        name: 'long.jpg',
        mimeType: 'image/jpeg',
        buffer: Buffer.concat([await jpeg({ width: 90, height: 60 }), Buffer.alloc(200_000)]),
      },
    ]);
    await page.getByRole('heading', { name: '2 uploads failed' }).waitFor();
    await page.getByText('This file is not an accepted image.').waitFor();
    expect(await page.locator('.upload.is-failed').count()).toBe(2);
    // The same bytes would be refused again.
    expect(await page.getByRole('button', { name: /^Retry/ }).count()).toBe(0);
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Dismiss words.jpg' }).click();
    await page.getByRole('button', { name: 'Dismiss long.jpg' }).click();
    await page.locator('.uploads').waitFor({ state: 'detached' });
    expect(tab.troubles).toEqual([]);
  });

  test('shows one large, and keeps what is written about it', async () => {
    const { page } = tab;
    await tile(page, 'photo.jpg').click();
    await page.getByRole('dialog', { name: 'photo.jpg' }).waitFor();
    // It is called by its title as soon as it has one.
    const dialog = page.getByRole('dialog');
    await dialog.getByText('900 × 600').waitFor();
    expect(await findings(page)).toEqual([]);
    await dialog.getByLabel('Title').fill('At the lake');
    await dialog.getByLabel('Description').fill('A gradient from black to red');
    await dialog.getByLabel('Tags', { exact: true }).fill('summer');
    await dialog.getByLabel('Tags', { exact: true }).press('Enter');
    await dialog.getByRole('button', { name: 'Remove tag summer' }).waitFor();
    await dialog.getByLabel('Tags', { exact: true }).fill('water');
    // Closing keeps what was just typed.
    await page.keyboard.press('Escape');
    await eventually(async () => {
      const photo = (await ada.list()).items.find(({ filename }) => filename === 'photo.jpg');
      const { title, altText, tags } = photo ?? {};
      expect({ title, altText, tags }).toEqual({
        title: 'At the lake',
        altText: 'A gradient from black to red',
        tags: ['summer', 'water'],
      });
    });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The focus is where it was.
    expect(await page.evaluate('document.activeElement.textContent')).toBe('At the lake, image ');
    expect(tab.troubles).toEqual([]);
  });

  test('plays a video, turns from one to the next, and hands out snippets', async () => {
    const { page, context } = tab;
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await tile(page, 'clip.webm').click();
    const dialog = page.getByRole('dialog');
    await until(page, `document.querySelector('.preview-film').readyState >= 1`);
    await page.evaluate(`document.querySelector('.preview-film').play()`);
    await until(page, `document.querySelector('.preview-film').currentTime > 0`);
    await dialog.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('dialog', { name: 'clear.png' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog', { name: 'At the lake' }).waitFor();
    await dialog.getByRole('tab', { name: 'Markdown' }).click();
    await dialog.getByRole('button', { name: 'Copy Markdown snippet' }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^!\[A gradient from black to red\]\(http.*\)$/);
    // Back closes.
    await page.goBack();
    await dialog.waitFor({ state: 'detached' });
    expect(tab.troubles).toEqual([]);
  });

  test('narrows the library down by kind, words and tag, and says when nothing fits', async () => {
    const { page } = tab;
    await page.getByLabel('Videos').check();
    await page.getByText('1 item', { exact: true }).waitFor();
    await page.getByLabel('All').check();
    await page.getByText('5 items').waitFor();
    await page.getByLabel('Search').fill('LAKE');
    await page.getByText('1 item', { exact: true }).waitFor();
    await page.getByLabel('Search').fill('nowhere');
    await page.getByRole('heading', { name: 'Nothing found for “nowhere”' }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show everything' }).click();
    await page.getByText('5 items').waitFor();
    await page.getByLabel('Tag', { exact: true }).selectOption('water');
    await page.getByText('1 item', { exact: true }).waitFor();
    await page.getByLabel('Tag', { exact: true }).selectOption('');
    await page.getByText('5 items').waitFor();
    expect(tab.troubles).toEqual([]);
  });

  test('turns dark and light by a button, and stays so over a reload', async () => {
    const { page } = tab;
    const look = () =>
      page.evaluate('[document.documentElement.dataset.theme, getComputedStyle(document.documentElement).backgroundColor]');
    const [light, bright] = (await look()) as [string, string];
    expect(light).toBe('light');
    await page.getByRole('button', { name: 'Switch to dark' }).click();
    const [dark, dim] = (await look()) as [string, string];
    expect(dark).toBe('dark');
    expect(dim).not.toBe(bright);
    await page.reload();
    await page.getByRole('button', { name: 'Switch to light' }).waitFor();
    expect(await look()).toEqual([dark, dim]);
    await page.getByRole('button', { name: 'Switch to light' }).click();
    await page.reload();
    await page.getByText('5 items').waitFor();
    expect(await look()).toEqual([light, bright]);
    // Now it is as the system has it, and follows it.
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: 'Switch to light' }).waitFor();
    expect(await look()).toEqual([dark, dim]);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(tab.troubles).toEqual([]);
  });

  test('deletes several, gives them back, and deletes them for good when the moment has passed', async () => {
    const { page } = tab;
    await tile(page, 'moving.gif').click({ modifiers: ['Control'] });
    await tile(page, 'clip.webm').click({ modifiers: ['Shift'] });
    await page.getByText('2 selected').first().waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('3 items', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('5 items').waitFor();
    expect((await ada.list()).totalCount).toBe(5);

    await tile(page, 'moving.gif').click({ modifiers: ['Control'] });
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('4 items').waitFor();
    expect(await findings(page)).toEqual([]);
    expect((await ada.list()).totalCount).toBe(5);
    await eventually(async () => expect((await ada.list()).totalCount).toBe(4));
    await page.locator('.toast').waitFor({ state: 'detached' });
    expect(await tiles(page).count()).toBe(4);
    expect(tab.troubles).toEqual([]);
  });

  async function paste(bytes: Buffer): Promise<void> {
    const file: ChosenFile = { name: 'image.jpg', mimeType: 'image/jpeg', buffer: bytes };
    await tab.page.evaluate(`(() => {
      const bytes = Uint8Array.from(atob(${JSON.stringify(file.buffer.toString('base64'))}), (character) => character.charCodeAt(0));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([bytes], 'image.jpg', { type: 'image/jpeg' }));
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    })()`);
  }
});
