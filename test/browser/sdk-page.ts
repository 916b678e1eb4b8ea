import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import type * as Sdk from '../../src/client/index.ts';

/** What a page has: the SDK, a client, the file that was chosen, and its own window. The types of the browser itself do not belong among those of a server. */
export interface InPage {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.MediakeepClient;
  readonly file: File;
  readonly how: Sdk.UploadOptions;
  readonly tell: { sentBytes: number; localStorage: Sdk.WebStorage & { readonly length: number } };
}

/** A page of an origin of its own, with the SDK and a chosen file. */
export interface SdkPage {
  readonly page: Page;
  /** Runs a function in the page; only what `how` holds comes along. */
  inPage<T>(work: (tools: InPage) => Promise<T>, how?: Sdk.UploadOptions): Promise<T>;
  /** Loads the page again, and chooses the file again. */
  reload(): Promise<void>;
  /** Ends the site; the browser is whose it is. */
  close(): void;
}

export async function openSdkPage(browser: Browser, client: { url: string; token: string }, filePath: string): Promise<SdkPage> {
  const site = await serveSdk();
  const page = await browser.newPage();
  const reload = async (): Promise<void> => {
    await page.goto(site.url);
    await page.locator('input').setInputFiles(filePath);
  };
  await reload();
  return {
    page,
    reload,
    async inPage<T>(work: (tools: InPage) => Promise<T>, how: Sdk.UploadOptions = {}) {
      const tools = [
        'sdk',
        `client: sdk.createClient(${JSON.stringify(client)})`,
        "file: document.querySelector('input').files[0]",
        `how: ${JSON.stringify(how)}`,
        'tell: window',
      ];
      return (await page.evaluate(`(${work})({ ${tools.join(', ')} })`)) as T;
    },
    close: () => site.close(),
  };
}

async function serveSdk(): Promise<{ url: string; close(): void }> {
  const how = { bundle: true, format: 'iife', globalName: 'sdk', write: false, platform: 'browser' } as const;
  const bundle = await build({ entryPoints: ['src/client/index.ts'], ...how });
  const script = bundle.outputFiles[0]?.text ?? '';
  const server = createServer((request, response) => {
    if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><input type="file"><script src="/sdk.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
