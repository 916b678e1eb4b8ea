import { openAsBlob } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { createClient, type UploadProgress } from '../../src/client/index.ts';
import { openChromium } from '../browser/chromium.ts';

/** A place that the SDK runs in. */
export interface Sender {
  readonly name: string;
  /** Of the page that sends, for CORS; undefined when there is none. */
  readonly origin: string | undefined;
  /** Uploads a file by a session, as anybody would: with no other option than progress. Resolves with what the asset tells. */
  upload(path: string, to: { url: string; token: string }, onProgress: OnProgress): Promise<Uploaded>;
  close(): Promise<void>;
}

export interface Uploaded {
  readonly id: string;
  readonly sha256: string | null;
}

type OnProgress = (progress: UploadProgress) => void;

/** The SDK in this process. */
export function nodeSender(): Sender {
  return {
    name: 'Node',
    origin: undefined,
    upload: async (path, to, onProgress) =>
      await createClient(to).upload(await openAsBlob(path, { type: 'video/mp4' }), { ...asSession, onProgress }),
    close: async () => undefined,
  };
}

/** The SDK in a page of an origin of its own, whose file is picked by an input. */
export async function chromiumSender(): Promise<Sender> {
  const site = await servePage();
  const browser = await openChromium();
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  return {
    name: 'Chromium',
    origin,
    async upload(path, to, onProgress) {
      const page = await browser.newPage();
      try {
        await page.exposeFunction('tell', onProgress);
        await page.goto(origin);
        await page.locator('input').setInputFiles(path);
        const how = JSON.stringify(asSession);
        return await page.evaluate<Uploaded>(
          `sdk.createClient(${JSON.stringify(to)}).upload(document.querySelector('input').files[0], { ...${how}, onProgress: tell })`,
        );
      } finally {
        await page.close();
      }
    },
    async close() {
      await browser.close();
      site.close();
      site.closeAllConnections();
    },
  };
}

/** The little video that warms the server up is below the size that goes by a session by itself. */
const asSession = { via: 'session', filename: 'video.mp4' } as const;

async function servePage() {
  const bundle = await build({
    entryPoints: ['src/client/index.ts'],
    bundle: true,
    format: 'iife',
    globalName: 'sdk',
    write: false,
    platform: 'browser',
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  const site = createServer((request, response) => {
    if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><input type="file"><script src="/sdk.js"></script>');
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  return site;
}
