import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createClient } from '../../src/client/index.ts';
import { type GraphqlServer, startGraphqlServer } from '../support/graphql-server.ts';
import { mp4Of } from '../support/memory.ts';

let server: GraphqlServer;
let scans = 0;

beforeAll(async () => {
  server = await startGraphqlServer();
  const { storage } = server;
  const scan = storage.scan.bind(storage);
  storage.scan = async (...args) => {
    scans += 1;
    await sleep(scanMs);
    await scan(...args);
  };
});
beforeEach(() => {
  scans = 0;
});
afterAll(() => server.close());

/** How long the storage takes to read what was sent, and how long whoever stands between waits for the answer, in milliseconds. */
const scanMs = 1000;
const waitMs = 250;

const ways: [string, () => Response][] = [
  [
    'a network that loses silent connections',
    () => {
      throw new TypeError('fetch failed');
    },
  ],
  ['a proxy that answers 504', () => new Response('<html>', { status: 504 })],
  ['a proxy that answers 524', () => new Response('<html>', { status: 524 })],
];

test.each(ways)('behind %s an upload that takes long to be proved is asked for again, and proved once', async (_way, giveUp) => {
  let asked = 0;
  /** Hands bytes to their session, and the rest on. */
  const through: typeof fetch = async (input, init) => {
    if (String(input).startsWith('http://media.test/')) return await send(String(input), init?.body as ReadableStream);
    if (!String(init?.body).includes('completeUpload(')) return await fetch(input, init);
    asked += 1;
    const signal = AbortSignal.timeout(waitMs);
    return await fetch(input, { ...init, signal }).catch(giveUp);
  };
  const client = createClient({
    url: server.url.replace('/graphql', ''),
    token: 'ada',
    fetch: through,
    retry: { attempts: 20, minDelayMs: 20, maxDelayMs: 100 },
  });
  const file = new File([new Uint8Array(mp4Of(2000))], 'a.mp4', { type: 'video/mp4' });
  const asset = await client.upload(file, { via: 'session' });
  expect(asset).toMatchObject({ filename: 'a.mp4', size: 2000 });
  expect(asked).toBeGreaterThan(2);
  expect(scans).toBe(1);
});

async function send(url: string, body: ReadableStream): Promise<Response> {
  const { pathname, searchParams } = new URL(url);
  const session = await server.library.openSession(pathname.split('/').at(-1) ?? '', Object.fromEntries(searchParams));
  if (session === undefined || session === 'OVER') return new Response('', { status: 410 });
  await session.receive(Readable.fromWeb(body), { offset: 0, limitBytes: session.sizeBytes });
  const { sizeBytes } = await session.finish(undefined);
  return Response.json({ size: String(sizeBytes) });
}
