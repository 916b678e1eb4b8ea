import axe from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { type TestServer, tokenOf } from '../support/server.ts';

/** A tab with the library page, and everything that went wrong in it. */
export interface LibraryTab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console, faults of scripts, breaches of the page's policy, and requests to anywhere but our server. Of every page in the tab's context. */
  readonly troubles: string[];
  /** Cuts the page off from its server for as long as `work` runs: what the browser itself says of requests to it that do not get through is no trouble. */
  withoutServer(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** What a test may ask of a tab. */
export interface TabOptions extends BrowserContextOptions {
  /** Who is signed in; undefined: nobody. */
  readonly user?: string;
}

/** Opens the library page in a tab of its own. */
export async function openLibrary(
  browser: Browser,
  server: Pick<TestServer, 'url'>,
  { user, ...options }: TabOptions = {},
): Promise<LibraryTab> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const troubles: string[] = [];
  let isCutOff = false;
  const isOfServer = (url: string): boolean => URL.parse(url)?.origin === new URL(server.url).origin;
  context.on('console', (message) => {
    const isOfCut = isCutOff && isUnanswered(message.text()) && isOfServer(message.location().url);
    if (['error', 'warning'].includes(message.type()) && !isOfCut) troubles.push(`console: ${message.text()}`);
  });
  context.on('weberror', (fault) => troubles.push(`script: ${fault.error().message}`));
  context.on('request', (request) => {
    if (!isOfServer(request.url()) && !/^(data|blob):/.test(request.url())) troubles.push(`outside: ${request.url()}`);
  });
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`,
  );
  if (user !== undefined) {
    // An empty tab, before it goes anywhere, has no storage.
    const signIn = `sessionStorage.setItem('mediakeep.token', ${JSON.stringify(await tokenOf(user))})`;
    await context.addInitScript(`if (origin !== 'null') ${signIn}`);
  }
  await page.goto(server.url);
  const withoutServer = async (work: () => Promise<void>): Promise<void> => {
    isCutOff = true;
    await work();
    isCutOff = false;
  };
  return { page, context, troubles, withoutServer, close: () => context.close() };
}

/** What the browser itself logs of an answer with this status. */
export function troubleOf(status: string): string {
  return `console: Failed to load resource: the server responded with a status of ${status}`;
}

/** Whether the browser itself, not a script, says that a request got no answer. */
function isUnanswered(text: string): boolean {
  return /^Failed to load resource: net::ERR_[A-Z_]+$/.test(text);
}

/** A file as Playwright chooses it. */
export interface ChosenFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** Chooses files through the page's own window of files. */
export async function choose(page: Page, files: ChosenFile[] | string[]): Promise<void> {
  // Two kinds of list, which the types of Playwright keep apart.
  await page.locator('header .file-input').setInputFiles(files as string[]);
}

/** Drops a file on the page, as the system does: with an event that carries it. */
export async function drop(page: Page, { name, mimeType, buffer }: ChosenFile): Promise<void> {
  const transfer = await page.evaluateHandle(
    `(() => {
      const bytes = Uint8Array.from(atob(${JSON.stringify(buffer.toString('base64'))}), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], ${JSON.stringify(name)}, { type: ${JSON.stringify(mimeType)} }));
      return transfer;
    })()`,
  );
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: transfer });
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
}

/** Drops files and folders of this machine on the page. Only the browser's debugger makes of a folder what a system's own drop does. */
export async function dropPaths(page: Page, paths: string[]): Promise<void> {
  const debug = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await debug.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data });
  }
  await debug.detach();
}

/** Lets the page send no faster from now on. */
export async function slowDown(page: Page, bytesPerSecond: number): Promise<void> {
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 10,
    downloadThroughput: -1,
    uploadThroughput: bytesPerSecond,
  });
}

/** Every tile that is in the document. */
export function tiles(page: Page): Locator {
  return page.locator('.tile-open');
}

/** The tile of this name. */
export function tile(page: Page, name: string): Locator {
  return page.locator('.tile-open', { hasText: name });
}

/** What axe finds against WCAG 2.2 AA and its own best practices: which rule, and where. */
export async function findings(page: Page): Promise<string[]> {
  // A page's policy lets no foreign script in; the debugger may.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source);
  // Of what is half faded in, nobody can say whether it can be read.
  await settled(page);
  const found = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' at ' + target.join(' ') + ': ' + failureSummary)))`,
  )) as string[];
  return found;
}

/** Waits until what moves for a moment has come to rest. */
export async function settled(page: Page): Promise<void> {
  // What was changed a moment ago begins to move with the second frame.
  await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`);
  await page.evaluate(
    `Promise.allSettled(document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < 1000).map(({ finished }) => finished))`,
  );
}

/** Waits until an expression is true in the page. Its policy keeps Playwright's own way of waiting, by eval, from working. */
export async function until(page: Page, expression: string, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await page.evaluate(expression))) {
    if (Date.now() > end) throw new Error(`It did not come to be: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until what is asked for is as it should be. */
export async function eventually(check: () => Promise<void> | void, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
