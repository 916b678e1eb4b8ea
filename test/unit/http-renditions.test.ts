import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { linksDoor } from '../../src/http/links.ts';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { isImage } from '../../src/media/media-asset.ts';
import type { ImageTools } from '../../src/media/ports.ts';
import { type ListeningServer, listening } from '../support/http.ts';
import { jpeg } from '../support/media/pictures.ts';
import { headerOnlyImages, type MemoryLibrary, memoryLibrary, pngOf, silent } from '../support/memory.ts';

let server: ListeningServer | undefined;

afterEach(() => server?.server.close({ graceSeconds: 0 }));

/** A server over objects in memory. */
async function start(images: ImageTools): Promise<MemoryLibrary> {
  const memory = memoryLibrary({}, silent, { images });
  server = await listening({ doors: [linksDoor({ library: memory.library })] });
  return memory;
}

/** A link to a rendition of an image that is uploaded for it. */
async function linkTo({ library }: MemoryLibrary, bytes: Buffer): Promise<string> {
  const source = Readable.from([bytes], { objectMode: false });
  const asset = await library.upload('ada', { kind: 'IMAGE', filename: 'photo', source });
  if (!isImage(asset)) throw new Error('Not an image');
  const { pathname, search } = new URL(library.renditionOf(asset, { width: 64 }).url);
  return `${server?.url}${pathname}${search}`;
}

async function expectBusy(answer: Response, retryAfter: string): Promise<void> {
  expect(answer.status).toBe(503);
  const headers = ['content-type', 'retry-after', 'cache-control', 'etag', 'content-disposition'];
  expect(headers.map((name) => answer.headers.get(name))).toEqual([
    'application/problem+json; charset=utf-8',
    retryAfter,
    'no-store',
    null,
    null,
  ]);
  expect(await answer.json()).toMatchObject({ code: 'OVERLOADED', status: 503 });
}

test('a rendition is refused with Retry-After while too many are being made, and made later', async () => {
  const memory = await start(new SharpImageTools({ concurrency: 1, renditionQueueLength: 0 }));
  const photo = await jpeg({ width: 300, height: 200 });
  const [first, second] = [await linkTo(memory, photo), await linkTo(memory, photo)];
  const { promise: reading, resolve: begin } = Promise.withResolvers<void>();
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>();
  const scan = memory.storage.scan.bind(memory.storage);
  memory.storage.scan = async (...args) => {
    begin();
    await mayRead;
    await scan(...args);
  };
  const making = fetch(first);
  await reading;
  await expectBusy(await fetch(second), '5');
  letRead();
  for (const answer of [await making, await fetch(second)]) {
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/webp');
    await answer.arrayBuffer();
  }
  await memory.library.settled();
});

test.each([
  ['the same again', () => Buffer.alloc(200_000, 7), 200],
  ['another file', () => randomBytes(200_000), 503],
])('a large rendition that was cleared away and is made anew as %s is never told of wrongly', async (_name, encode, status) => {
  const render: ImageTools['render'] = async (_image, { take }) => {
    for (const { deliver } of take()) deliver(encode());
  };
  const memory = await start({ ...headerOnlyImages, render });
  const link = await linkTo(memory, pngOf(100));
  await (await fetch(link)).arrayBuffer();
  await memory.library.settled();
  for (const key of memory.storage.objects.keys()) if (key.endsWith('.webp')) memory.storage.objects.delete(key);
  const cleared = await fetch(link);
  if (status === 503) await expectBusy(cleared, '1');
  else expect([cleared.status, (await cleared.arrayBuffer()).byteLength]).toEqual([200, 200_000]);
  await memory.library.settled();
  const answer = await fetch(link);
  const [key = ''] = [...memory.storage.objects.keys()].filter((each) => each.endsWith('.webp'));
  expect(answer.status).toBe(200);
  expect(Buffer.from(await answer.arrayBuffer()).equals(memory.storage.objects.get(key) ?? Buffer.alloc(0))).toBe(true);
});
