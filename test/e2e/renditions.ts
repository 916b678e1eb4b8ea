import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { ImageForPageDocument } from '../../src/client/generated.ts';
import type { Door } from '../support/doors.ts';
import { jpeg, png } from '../support/media/pictures.ts';
import { acceptedImages } from '../support/media.ts';
import { request } from '../support/request.ts';
import { restClient } from '../support/rest-door.ts';
import { type TestServer, tokenOf } from '../support/server.ts';

interface Rendition {
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly mimeType: string;
}

/** Renditions as a front end meets them, the same on every storage. */
export function describeRenditions(storage: string, start: () => Promise<TestServer>, { redirects = false } = {}): void {
  describe(`renditions on ${storage}`, () => {
    let server: TestServer;
    let ada: Door;
    let token: string;

    beforeAll(async () => {
      server = await start();
      token = await tokenOf('ada');
      ada = restClient(server, token);
    });

    afterAll(async () => {
      await server.close();
    });

    const graphql = async (query: string, variables: Record<string, unknown>) => {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      return (await response.json()) as { data: { media: Record<string, unknown> }; errors?: { extensions: { code: string } }[] };
    };

    const renditionOf = async (id: string, args: string): Promise<Rendition> => {
      const query = `query ($id: ID!) { media(id: $id) { ... on ImageAsset { rendition${args} { url width height mimeType } } } }`;
      return (await graphql(query, { id })).data.media.rendition as Rendition;
    };

    const upload = async (bytes: Buffer, name = 'holiday in Rome.jpg') => await ada.upload({ kind: 'IMAGE', name, bytes });
    const photo = () => jpeg({ width: 900, height: 600 });
    /** Without following redirects: what our server says. */
    const ask = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(url, { headers, method, redirect: 'manual' });
    const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
    const renditionsStored = async () => (await server.storedFiles()).filter((path) => !path.includes('original'));

    test('say their true size and type before they exist, and are it', async () => {
      for (const { name, bytes, width } of await acceptedImages()) {
        const asset = await upload(bytes, name);
        for (const [args, size] of [
          ['', {}],
          ['(width: 10, format: AVIF)', {}],
          ['(width: 20, height: 20, fit: COVER, format: JPEG)', { square: true }],
          ['(width: 20, height: 20, fit: CONTAIN, format: PNG)', { square: true }],
        ] as const) {
          const rendition = await renditionOf(asset.id, args);
          const response = await fetch(rendition.url);
          expect({ name, args, status: response.status }).toEqual({ name, args, status: 200 });
          expect(response.headers.get('content-type')).toBe(rendition.mimeType);
          const made = await sharp(await bytesOf(response), { pages: 1 }).metadata();
          expect({ name, args, width: made.width, height: made.pageHeight ?? made.height }).toEqual({
            name,
            args,
            width: rendition.width,
            height: rendition.height,
          });
          expect(rendition.width).toBeLessThanOrEqual(Math.max(width, asset.height ?? 0));
          if ('square' in size) expect(rendition.width).toBe(rendition.height);
        }
        await ada.remove(asset.id);
      }
      expect(await server.storedFiles()).toEqual([]);
    });

    test('are the same link for everybody in its window, and each its own file beside the original', async () => {
      const asset = await upload(await photo());
      const first = await renditionOf(asset.id, '(width: 300)');
      expect(first).toMatchObject({ width: 384, height: 256, mimeType: 'image/webp' });
      expect(await renditionOf(asset.id, '(width: 384, height: 256, fit: COVER)')).toEqual(first);
      const expires = Number(new URL(first.url).searchParams.get('expires'));
      const seconds = expires - Date.now() / 1000;
      expect([expires % (6 * 3600), seconds >= 24 * 3600 - 5, seconds <= 30 * 3600]).toEqual([0, true, true]);
      expect(await renditionsStored()).toEqual([]);
      await (await fetch(first.url)).arrayBuffer();
      await settled(async () => expect(await renditionsStored()).toHaveLength(1));
      expect(await ada.remove(asset.id)).toBe(true);
      expect((await ask(first.url)).status).toBe(404);
      expect(await server.storedFiles()).toEqual([]);
    });

    test('answer as originals do: cacheable, to HEAD, ranges and conditions, and only under their own signature', async () => {
      const asset = await upload(await photo());
      const { url } = await renditionOf(asset.id, '(width: 384)');
      const made = await ask(url);
      expect(made.status).toBe(200);
      const whole = await bytesOf(made);
      const { headers } = made;
      expect(headers.get('cache-control')).toMatch(/^public, max-age=\d+, immutable$/);
      const maxAge = Number(/\d+/.exec(headers.get('cache-control') ?? '')?.[0]);
      expect(maxAge).toBeLessThanOrEqual(Number(new URL(url).searchParams.get('expires')) - Date.now() / 1000 + 1);
      expect(headers.get('etag')).toMatch(/^"[^"]+"$/);
      expect(headers.get('vary')).toBe('Origin');
      expect(headers.get('content-length')).toBe(String(whole.length));
      expect(headers.get('content-disposition')).toContain('filename="holiday in Rome.webp"');
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain('sandbox');
      // By a stored rendition now, wherever it lies.
      await settled(async () => expect(await renditionsStored()).toHaveLength(1));
      expect(await bytesOf(await fetch(url))).toEqual(whole);
      expect(await bytesOf(await fetch(url, { headers: { range: 'bytes=10-19' } }))).toEqual(whole.subarray(10, 20));
      const changed = url.replace('w384', 'w640');
      expect((await ask(changed)).status).toBe(403);
      expect((await ask(url.replace('.webp', '.png'))).status).toBe(403);
      const head = await fetch(url, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.length)]);

      await ada.remove(asset.id);
    });

    test('in AUTO are what the request accepts, told by Vary, each with a tag of its own', async () => {
      const asset = await upload(await photo());
      const clear = await upload(await png({ width: 90, height: 60, alpha: true }), 'clear.png');
      const { url, mimeType } = await renditionOf(asset.id, '(width: 384, format: AUTO)');
      const transparent = await renditionOf(clear.id, '(format: AUTO)');
      expect(mimeType).toBe('image/*');
      const tags = new Set<string | null>();
      for (const [link, accept, type] of [
        [url, 'image/avif,image/webp,*/*;q=0.8', 'image/avif'],
        [url, 'image/webp,*/*', 'image/webp'],
        [url, '*/*', 'image/jpeg'],
        [transparent.url, '*/*', 'image/png'],
      ] as const) {
        const response = await ask(link, { accept });
        expect({ accept, type: response.headers.get('content-type'), status: response.status }).toEqual({
          accept,
          type,
          status: 200,
        });
        expect(response.headers.get('vary')).toBe('Origin, Accept');
        expect(type).toBe(`image/${(await sharp(await bytesOf(response)).metadata()).format?.replace('heif', 'avif')}`);
        tags.add(response.headers.get('etag'));
      }
      expect(tags.size).toBe(4);
      await settled(async () => expect(await renditionsStored()).toHaveLength(4));
      const again = await fetch(url, { headers: { accept: 'image/avif' } });
      expect(again.headers.get('content-type')).toBe('image/avif');
      await again.arrayBuffer();
      for (const { id } of [asset, clear]) await ada.remove(id);
    });

    // What a bucket is asked for after a redirect, it answers itself.
    if (!redirects) {
      test('tell a version by its tag, and by its date where there is but one', async () => {
        const asset = await upload(await photo());
        const { url } = await renditionOf(asset.id, '(width: 384)');
        const made = await ask(url);
        const whole = await bytesOf(made);
        const [etag, date] = [made.headers.get('etag') ?? '', made.headers.get('last-modified') ?? ''];
        const statusFor = async (headers: Record<string, string>): Promise<number> => (await ask(url, headers)).status;
        expect(await statusFor({ 'if-none-match': `"other", W/${etag}` })).toBe(304);
        expect(await statusFor({ 'if-none-match': '"other"', 'if-modified-since': date })).toBe(200);
        expect(await statusFor({ 'if-modified-since': date })).toBe(304);
        expect(await statusFor({ range: 'bytes=0-9', 'if-range': etag })).toBe(206);
        expect(await statusFor({ range: 'bytes=0-9', 'if-range': '"other"' })).toBe(200);
        expect(await statusFor({ range: `bytes=${whole.length}-` })).toBe(416);

        // All formats of AUTO have one date: it must not pass a WebP off as the rest of an AVIF, nor as one that the client has.
        const auto = await renditionOf(asset.id, '(width: 384, format: AUTO)');
        const avif = await ask(auto.url, { accept: 'image/avif' });
        const autoDate = avif.headers.get('last-modified') ?? '';
        const resumed = await ask(auto.url, { accept: 'image/webp', range: 'bytes=10-19', 'if-range': autoDate });
        expect([resumed.status, resumed.headers.get('content-type')]).toEqual([200, 'image/webp']);
        expect((await ask(auto.url, { accept: 'image/webp', 'if-modified-since': autoDate })).status).toBe(200);
        const { status } = await ask(auto.url, { accept: 'image/avif', 'if-none-match': avif.headers.get('etag') ?? '' });
        expect(status).toBe(304);
        await ada.remove(asset.id);
      });
    }

    test('are asked for one by one, as a srcset, and over REST', async () => {
      const asset = await upload(await photo());
      const { media } = await request(
        `${server.url}/graphql`,
        ImageForPageDocument,
        { id: asset.id },
        { headers: { authorization: `Bearer ${token}` } },
      );
      if (media?.__typename !== 'ImageAsset') throw new Error('Not an image');
      expect(media).toMatchObject({ width: 900, height: 600, rendition: { width: 900, height: 600, mimeType: 'image/*' } });
      expect(Buffer.from(media.placeholder, 'base64').length).toBeGreaterThan(15);
      const candidates = media.srcset.split(', ').map((each) => each.split(' '));
      expect(candidates.map(([, width]) => width)).toEqual(['384w', '640w', '900w']);
      for (const [link = '', width] of candidates) {
        const response = await fetch(link, { headers: { accept: 'image/webp' } });
        expect(`${(await sharp(await bytesOf(response)).metadata()).width}w`).toBe(width);
      }
      const headers = { authorization: `Bearer ${token}` };
      const rest = `${server.url}/api/v1/media/${asset.id}/rendition`;
      const redirect = await ask(`${rest}?width=100&height=100&fit=COVER&format=JPEG`, headers);
      expect(redirect.status).toBe(302);
      expect(redirect.headers.get('location')).toBe(
        (await renditionOf(asset.id, '(width: 100, height: 100, fit: COVER, format: JPEG)')).url,
      );
      expect((await ask(`${rest}?width=0`, headers)).status).toBe(400);
      expect((await ask(`${rest}?fit=STRETCH`, headers)).status).toBe(400);
      expect((await ask(rest, { authorization: `Bearer ${await tokenOf('bob')}` })).status).toBe(404);
      const refused = await graphql('query ($id: ID!) { media(id: $id) { ... on ImageAsset { rendition(width: 0) { url } } } }', {
        id: asset.id,
      });
      expect(refused.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
      await ada.remove(asset.id);
    });

    test('follow the focus that is set, which can be cleared', async () => {
      const asset = await upload(await photo());
      expect(asset.focus).toBeNull();
      const square = '(width: 128, height: 128, fit: COVER)';
      const before = await renditionOf(asset.id, square);
      expect((await ada.update(asset.id, { focus: { x: 0.1, y: 0.5 } })).focus).toEqual({ x: 0.1, y: 0.5 });
      const left = await renditionOf(asset.id, square);
      expect(left.url).not.toBe(before.url);
      const [red = 255] = await sharp(await bytesOf(await fetch(left.url)))
        .resize(1, 1)
        .raw()
        .toBuffer();
      expect((await ada.update(asset.id, { focus: { x: 1, y: 0.5 } })).focus).toEqual({ x: 1, y: 0.5 });
      const right = await renditionOf(asset.id, square);
      const [redder = 0] = await sharp(await bytesOf(await fetch(right.url)))
        .resize(1, 1)
        .raw()
        .toBuffer();
      // The picture grows redder to the right.
      expect(redder - red).toBeGreaterThan(50);
      expect((await ada.update(asset.id, { focus: null })).focus).toBeNull();
      expect((await renditionOf(asset.id, square)).url).toBe(before.url);
      await expect(ada.update(asset.id, { focus: { x: 2, y: 0 } })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
      await ada.remove(asset.id);
    });

    // Where it is redirected to, nobody looks whether a file is still there.
    (redirects ? test.skip : test)('that an operator clears away are made again, and answered as before', async () => {
      const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
      const grain = sharp({ create: { width: 900, height: 600, channels: 3, background: '#567', noise } });
      const asset = await upload(await grain.jpeg().toBuffer());
      // Not what is still being written.
      const visible = async () => (await renditionsStored()).filter((path) => path.includes('-inside.'));
      const answerTo = async (url: string, headers: Record<string, string>) => {
        const response = await ask(url, headers);
        const told = ['content-type', 'content-length', 'content-range', 'etag'].map((name) => response.headers.get(name));
        return { status: response.status, told, bytes: await bytesOf(response) };
      };
      for (const [args, headers, isSmall] of [
        ['(width: 128)', {}, true],
        ['(width: 256)', { range: 'bytes=2-9' }, true],
        ['(width: 640, format: PNG)', {}, false],
        ['(width: 768, format: PNG)', { range: 'bytes=2-9' }, false],
      ] as const) {
        const { url } = await renditionOf(asset.id, args);
        const made = await answerTo(url, headers);
        const [, length, range] = made.told;
        expect({ args, status: made.status, isSmall: Number(range?.split('/')[1] ?? length) <= 128 * 1024 }).toEqual({
          args,
          status: 'range' in headers ? 206 : 200,
          isSmall,
        });
        await settled(async () => expect(await visible()).toHaveLength(1));
        // Until it is seen to be stored, it is answered from memory.
        await new Promise((resolve) => setTimeout(resolve, 300));
        for (const path of await visible()) await server.clearFile(path);
        expect({ args, ...(await answerTo(url, headers)) }).toEqual({ args, ...made });
        await settled(async () => expect(await visible()).toHaveLength(1));
        for (const path of await visible()) await server.clearFile(path);
      }
      await ada.remove(asset.id);
    });

    test('asked for by a hundred at once are all whole and the same', async () => {
      const asset = await upload(await photo());
      const { url } = await renditionOf(asset.id, '(width: 640)');
      const answers = await Promise.all(Array.from({ length: 100 }, async () => await bytesOf(await fetch(url))));
      expect(new Set(answers.map((each) => each.toString('base64'))).size).toBe(1);
      await settled(async () => expect(await renditionsStored()).toHaveLength(1));
      await ada.remove(asset.id);
    });
  });
}

/** Waits, 5 s at most, until what is stored after the answer is there. */
export async function settled(expectation: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + 5000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    try {
      return await expectation();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
