import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { sample } from '../support/media/files.ts';
import { gif } from '../support/media/pictures.ts';
import { landscape, rings } from '../support/media/scenery.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import { choose, findings, type LibraryTab, openLibrary, settled, tile, tiles, until } from './library-page.ts';

/** Each layout and each theme is examined by axe once: that takes most of the time. */
const screens = [
  { width: 320, height: 640, examined: undefined },
  { width: 360, height: 740, examined: undefined },
  { width: 390, height: 844, examined: 'light' },
  { width: 820, height: 1180, examined: undefined },
  { width: 1440, height: 900, examined: 'dark' },
] as const;

/** For people to look at: .artifacts/page-VIEW-WIDTH-THEME.png. For machines: axe finds nothing in any of these views, and nothing sticks out. */
describe.each(screens)('the library page, $width pixels wide', ({ width, height, examined }) => {
  let tab: LibraryTab;
  let page: Page;
  const open = async (user?: string): Promise<void> => {
    tab = await openLibrary(browser, server, {
      viewport: { width, height },
      hasTouch: width < 800,
      ...(user !== undefined && { user }),
    });
    ({ page } = tab);
  };
  const look = async (view: string): Promise<void> => {
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await settled(page);
      if (theme === examined) expect({ view, findings: await findings(page) }).toEqual({ view, findings: [] });
      await page.screenshot({ path: `.artifacts/page-${view}-${width}-${theme}.png` });
    }
    expect({ view, misplaced: await page.evaluate(misplaced) }).toEqual({ view, misplaced: [] });
  };

  test('for somebody who is new', async () => {
    await open();
    await look('sign-in');
    await tab.close();
    await open('newcomer');
    await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
    await look('empty');
    expect(await tagsOffered(page)).toEqual(['No tags yet']);
    expect(tab.troubles).toEqual([]);
    await tab.close();
  });

  test('for somebody who has a library', async () => {
    await open('ada');
    await tiles(page).first().waitFor();
    await until(page, `[...document.querySelectorAll('.tile-picture')].every((image) => image.complete)`);
    await look('library');
    await page.getByRole('button', { name: 'Select', exact: true }).click();
    for (const index of [1, 2, 4]) await tiles(page).nth(index).click();
    await look('selection');
    await page.getByRole('button', { name: 'Delete' }).click();
    // The moment to undo lasts while the pointer is there.
    await page.getByRole('button', { name: 'Undo' }).hover();
    await look('deleted');
    await page.getByRole('button', { name: 'Undo' }).click();
    await tile(page, 'Quiet water').first().click();
    await until(page, `document.querySelector('.preview-picture')?.complete`);
    await look('details');
    await page.getByText('Focus').click();
    await page.getByRole('button', { name: 'Delete' }).scrollIntoViewIfNeeded();
    await look('details-end');
    await page.getByRole('button', { name: 'Close details' }).click();
    await page.getByRole('button', { name: 'More' }).click();
    await look('menu');
    await page.keyboard.press('Escape');
    await page.getByLabel('Search').fill('nothing like this');
    await page.getByRole('heading', { name: /Nothing found/ }).waitFor();
    await look('nothing-found');
    expect(await tagsOffered(page)).toEqual(['Any tag', 'travel', 'autumn']);
    expect(tab.troubles).toEqual([]);
    await tab.close();
  });

  test('while much is on its way, and some of it fails', async () => {
    await open('ada');
    await tiles(page).first().waitFor();
    const network = await tab.context.newCDPSession(page);
    await network.send('Network.enable');
    const slow = { offline: false, latency: 20, downloadThroughput: -1, uploadThroughput: 12_000 };
    await network.send('Network.emulateNetworkConditions', slow);
    const photos = Array.from({ length: 6 }, (_, index) => ({
      name: `Walk ${index + 1}.jpg`,
      mimeType: 'image/jpeg',
      buffer: photo,
    }));
    const words = { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('words '.repeat(200)) };
    await choose(page, [words, ...photos]);
    await page.locator('.upload.is-failed').waitFor();
    await page.getByRole('button', { name: 'Pause Walk 2.jpg' }).click();
    await page.getByText(/ left/).first().waitFor();
    await look('uploads');
    await tab.withoutServer(async () => {
      await tab.context.setOffline(true);
      await page.getByText('You are offline.').waitFor();
      await look('offline');
      await page.getByRole('button', { name: 'Cancel all' }).click();
      await tab.close();
    });
    expect(tab.troubles).toEqual([]);
  });

  test('when the server does not answer', async () => {
    await open('ada');
    await tiles(page).first().waitFor();
    await tab.withoutServer(async () => {
      await page.route('**/graphql', (route) => route.abort('connectionrefused'));
      await page.getByLabel('Videos').check();
      await page.getByRole('heading', { name: 'Your library could not be loaded' }).waitFor({ timeout: 30_000 });
      await look('failed');
      expect(await tagsOffered(page)).toEqual(['Any tag', 'travel', 'autumn']);
      await page.unroute('**/graphql');
    });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('2 items').waitFor();
    expect(tab.troubles).toEqual([]);
    await tab.close();
  });
});

const tagsOffered = (page: Page): Promise<string[]> =>
  page.getByLabel('Tag', { exact: true }).locator('option').allTextContents();

/** In the page: what scrolls sideways, and what sticks out of the header, or out of the menu's place, or lies over something else at the top. The toolbar may scroll. */
const misplaced = `(() => {
  const named = (element) => element.localName + '.' + element.className;
  const boxOf = (element) => element.getBoundingClientRect();
  const isSeen = (element) => boxOf(element).width > 0;
  const isIn = (inner, outer) =>
    inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;
  const isOver = (one, other) =>
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
  const wide = [document.documentElement, ...document.querySelectorAll('main, dialog, dialog *, .uploads-list, .uploads-list *')]
    .filter((element) => element === document.documentElement || ['auto', 'scroll', 'hidden'].includes(getComputedStyle(element).overflowX))
    .filter((element) => !element.matches('pre, input, textarea, .tag-name, .upload-name, .upload-state, .unseen'))
    .filter((element) => element.scrollWidth > element.clientWidth)
    .map((element) => {
      const widest = [...element.querySelectorAll('*')].filter((inner) => boxOf(inner).right > boxOf(element).right).map(named);
      return named(element) + ' scrolls sideways for ' + widest.join(', ');
    });
  const header = document.querySelector('.header');
  if (header === null) return wide;
  const parts = [...header.children].filter(isSeen);
  const out = parts.filter((part) => !isIn(boxOf(part), boxOf(header))).map((part) => named(part) + ' sticks out');
  out.push(...[...document.querySelectorAll('.toolbar.is-selecting > *')]
    .filter((part) => !isIn(boxOf(part), boxOf(part.parentElement)))
    .map((part) => named(part) + ' sticks out'));
  const top = [...parts, document.querySelector('.toolbar')];
  const over = top.flatMap((one, index) =>
    top.slice(index + 1).filter((other) => isOver(boxOf(one), boxOf(other))).map((other) => named(one) + ' meets ' + named(other)));
  const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  const menu = [...document.querySelectorAll('.menu-list:popover-open')].filter((list) => !isIn(boxOf(list), screen));
  return [...wide, ...out, ...over, ...menu.map((list) => named(list) + ' sticks out')];
})()`;

test('a long title leaves room for the rest', async () => {
  const bytes = await landscape(1);
  const grace = restClient(server, await tokenOf('grace'));
  await grace.upload({ kind: 'IMAGE', name: 'long.jpg', bytes }, { title: 'A very long title '.repeat(16).trim() });
  const tab = await openLibrary(browser, server, { user: 'grace', viewport: { width: 1280, height: 800 } });
  const { page } = tab;
  await tiles(page).first().click();
  await page.getByRole('textbox', { name: 'Title' }).waitFor();
  await settled(page);
  await page.screenshot({ path: '.artifacts/page-long-title-1280-light.png' });
  const lines = `((title) => title.offsetHeight / parseFloat(getComputedStyle(title).lineHeight))(document.querySelector('.details-title'))`;
  expect(Math.round((await page.evaluate(lines)) as number)).toBe(3);
  expect(tab.troubles).toEqual([]);
  await tab.close();
});

test('an empty library says where uploads will be while the server cannot be reached', async () => {
  const tab = await openLibrary(browser, server, { user: 'newcomer', viewport: { width: 360, height: 740 } });
  const { page } = tab;
  await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
  await tab.withoutServer(async () => {
    await page.route(/graphql|uploads/, (route) => route.abort('connectionrefused'));
    await choose(page, [{ name: 'First.jpg', mimeType: 'image/jpeg', buffer: photo }]);
    await page.getByText(/Trying again/).waitFor();
    await page.getByText('What you upload shows up here.').waitFor();
    await page.screenshot({ path: '.artifacts/page-first-uploads-360-light.png' });
    await page.getByRole('button', { name: 'Cancel First.jpg' }).click();
    await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
  });
  expect(tab.troubles).toEqual([]);
  await tab.close();
});

test('on a screen that is not high, uploads leave the pictures in sight', async () => {
  const tab = await openLibrary(browser, server, { user: 'ada', viewport: { width: 640, height: 400 } });
  const { page } = tab;
  await tiles(page).first().waitFor();
  const words = Array.from({ length: 5 }, (_, index) => ({
    name: `notes ${index}.jpg`,
    mimeType: 'image/jpeg',
    buffer: Buffer.from(`words ${index} `.repeat(200)),
  }));
  await choose(page, words);
  await page.getByText('5 uploads failed').waitFor();
  const pictures = `document.querySelector('.uploads').getBoundingClientRect().top - document.querySelector('.toolbar').getBoundingClientRect().bottom`;
  await settled(page);
  await page.screenshot({ path: '.artifacts/page-uploads-folded-640-light.png' });
  expect(await page.evaluate(pictures)).toBeGreaterThan(150);
  await page.getByRole('button', { name: 'Unfold uploads' }).click();
  await page.getByText('notes 1.jpg').waitFor();
  await page.screenshot({ path: '.artifacts/page-uploads-unfolded-640-light.png' });
  expect(await page.evaluate(pictures)).toBeGreaterThan(40);
  expect(tab.troubles).toEqual([]);
  await tab.close();
});

test('how many are selected at once is said while more are to come', async () => {
  const tab = await openLibrary(browser, server, { user: 'ada', viewport: { width: 320, height: 640 } });
  const { page } = tab;
  await page.route('**/graphql', (route) => {
    const question = route.request().postDataJSON();
    // The first page is a short one, and a second never comes.
    if (question.variables?.after) return;
    if (question.variables?.first > 20) question.variables.first = 20;
    return route.continue({ postData: JSON.stringify(question) });
  });
  await page.reload();
  await page.getByText('26 items').waitFor();
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await page.getByRole('button', { name: 'Select all 20 loaded' }).click();
  await page.getByText('20 selected').first().waitFor();
  expect(await page.evaluate(misplaced)).toEqual([]);
  await page.screenshot({ path: '.artifacts/page-selection-of-loaded-320-light.png' });
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.reload();
  await page.getByText('26 items').waitFor();
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await page.getByRole('button', { name: 'Select all', exact: true }).click();
  await page.getByText('26 selected').first().waitFor();
  expect(tab.troubles).toEqual([]);
  await tab.close();
});

let server: TestServer;
let browser: Browser;
let photo: Buffer;

beforeAll(async () => {
  server = await startTestServer({ USER_QUOTA_BYTES: '6000000' });
  browser = await openChromium();
  await mkdir('.artifacts', { recursive: true });
  photo = await landscape(3);
  const ada = restClient(server, await tokenOf('ada'));
  const titles = ['Dawn over the bay', 'Quiet water', 'First snow', 'Ridge walk', 'Evening light', 'The long road'];
  for (let number = 0; number < 22; number += 1) {
    const described = number % 3 === 1 ? { title: titles[number % titles.length] ?? null, tags: ['travel', 'autumn'] } : {};
    await ada.upload({ kind: 'IMAGE', name: `IMG_${2040 + number}.jpg`, bytes: await landscape(number) }, described);
    if (number === 16)
      await ada.upload({ kind: 'IMAGE', name: 'moving.gif', bytes: await gif({ width: 320, height: 240, frames: 3 }) });
    if (number === 19) await ada.upload({ kind: 'IMAGE', name: 'logo.png', bytes: await rings() });
    if (number === 20) await ada.upload({ kind: 'VIDEO', name: 'ferry.webm', bytes: Buffer.from(await sample('vp9-opus.webm')) });
    if (number === 11) await ada.upload({ kind: 'VIDEO', name: 'swing.mp4', bytes: Buffer.from(await sample('faststart.mp4')) });
  }
}, 150_000);

afterAll(async () => {
  await browser.close();
  await server.close();
});
