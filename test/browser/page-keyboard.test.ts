import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { jpeg } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openChromium } from './chromium.ts';
import { eventually, findings, type LibraryTab, openLibrary, tiles } from './library-page.ts';

/** What has the focus: the words of a tile or a button, or the label of a field. */
const focused = `(() => {
  const element = document.activeElement;
  return (element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element).textContent ?? '').replace(/\\s+/g, ' ').trim();
})()`;

describe('the library page by keyboard alone', () => {
  let server: TestServer;
  let browser: Browser;
  let tab: LibraryTab;
  let page: Page;
  let ada: ReturnType<typeof restClient>;
  /** Whether each window of files that was opened takes many. */
  const choosers: boolean[] = [];

  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const expectFocus = (words: string): Promise<void> =>
    eventually(async () => expect(await page.evaluate(focused)).toBe(words), 5000);
  const selected = (): Promise<number> => page.locator('.tile.is-selected').count();

  beforeAll(async () => {
    server = await startTestServer();
    ada = restClient(server, await tokenOf('ada'));
    const photo = await jpeg({ width: 300, height: 200 });
    for (let number = 1; number <= 12; number += 1) await ada.upload({ kind: 'IMAGE', name: `${number}.jpg`, bytes: photo });
    browser = await openChromium();
    tab = await openLibrary(browser, server, { reducedMotion: 'reduce' });
    ({ page } = tab);
    // Heard from the start: a window of files that nobody waits for would stay open.
    page.on('filechooser', (chooser) => choosers.push(chooser.isMultiple()));
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test('signs in, and skips to the library', async () => {
    // With a token that is offered, it is one press.
    await expectFocus('Sign in');
    await press('Shift+Tab');
    await expectFocus('Token');
    await press('Control+a');
    await page.keyboard.type(await tokenOf('ada'));
    await press('Enter');
    await tiles(page).first().waitFor();
    await press('Tab');
    await expectFocus('Skip to the library');
    await press('Enter', 'Tab');
    await expectFocus('12.jpg, image');
    expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe('solid');
  });

  test('walks among the pictures by arrows, one of which Tab reaches', async () => {
    await press('ArrowRight', 'ArrowRight');
    await expectFocus('10.jpg, image');
    await press('ArrowLeft');
    await expectFocus('11.jpg, image');
    await press('End');
    await expectFocus('1.jpg, image');
    await press('ArrowUp');
    const above = (await page.evaluate(focused)) as string;
    await press('ArrowDown');
    await expectFocus('1.jpg, image');
    expect(above).not.toBe('1.jpg, image');
    await press('Home');
    await expectFocus('12.jpg, image');
    expect(await page.locator('.tile-open[tabindex="0"]').count()).toBe(1);
    await press('Tab');
    await expectFocus('Select 12.jpg');
    await press('Shift+Tab');
    await expectFocus('12.jpg, image');
  });

  test('selects by Space and Shift, deletes, and takes it back', async () => {
    await press('Space');
    await expectFocus('12.jpg, image, selected');
    await press('Shift+ArrowRight', 'Shift+ArrowRight');
    expect(await selected()).toBe(3);
    await press('Escape');
    expect(await selected()).toBe(0);
    await press('Control+a');
    expect(await selected()).toBe(12);
    await press('Escape', 'Space', 'ArrowRight', 'Space');
    await press('Delete');
    await page.getByText('10 items').waitFor();
    // It does not fall back to the top of the page.
    await eventually(async () => expect(await page.evaluate(focused)).toMatch(/^\d+\.jpg, image$/));
    await press('Control+z');
    await page.getByText('12 items').waitFor();
    expect((await ada.list()).totalCount).toBe(12);
  });

  test('opens, edits, turns the page, and comes back to where it was', async () => {
    await press('Home', 'Enter');
    await page.getByRole('dialog', { name: '12.jpg' }).waitFor();
    await press('ArrowRight');
    await page.getByRole('dialog', { name: '11.jpg' }).waitFor();
    for (let steps = 0; steps < 12 && (await page.evaluate(focused)) !== 'Title'; steps += 1) await press('Tab');
    await expectFocus('Title');
    await page.keyboard.type('By hand');
    await press('Enter');
    await page.getByText('Saved', { exact: true }).waitFor();
    await press('Escape');
    await expectFocus('By hand, image');
    expect((await ada.list({ search: 'by hand' })).totalCount).toBe(1);
  });

  test('moves the spot that crops keep in sight by its sliders', async () => {
    await press('Home', 'ArrowRight', 'ArrowRight', 'Enter');
    await page.getByRole('dialog', { name: '10.jpg' }).waitFor();
    for (let steps = 0; steps < 16 && (await page.evaluate(focused)) !== 'Focus found by itself'; steps += 1) await press('Tab');
    await press('Enter', 'Tab');
    await expectFocus('From the left');
    await press(...Array.from({ length: 20 }, () => 'ArrowRight'));
    await press('Tab', 'ArrowUp');
    await page.getByText('Saved', { exact: true }).waitFor();
    const spot = async () => (await ada.list({ search: '10.jpg' })).items[0]?.focus;
    await eventually(async () => expect(await spot()).toEqual({ x: 0.7, y: 0.51 }));
    // The arrows belonged to the sliders.
    await page.getByRole('dialog', { name: '10.jpg' }).waitFor();
    await press('Escape');
    await expectFocus('10.jpg, image');
  });

  test('chooses files, opens the menu and leaves it again', async () => {
    await page.getByRole('button', { name: 'Upload', exact: true }).focus();
    await press('Enter');
    await eventually(() => expect(choosers).toEqual([true]));
    await page.getByRole('button', { name: 'More' }).focus();
    await press('Enter', 'Tab');
    await expectFocus('GraphQL playground');
    await press('Escape');
    await expectFocus('More');
    expect(await findings(page)).toEqual([]);
    expect(tab.troubles).toEqual([]);
  });
});
