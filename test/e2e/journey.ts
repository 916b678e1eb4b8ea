import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Door, OpenDoor } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { acceptedFiles, refusedFiles, type SampleFile } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { sdkClient, sdkWithSessions } from '../support/sdk-door.ts';
import { type TestServer, tokenOf } from '../support/server.ts';

const doors: [string, OpenDoor][] = [
  ['GraphQL', graphqlClient],
  ['REST', restClient],
  ['the SDK', sdkClient],
  ['the SDK with sessions', sdkWithSessions],
];

const unknownId = '018f0000-0000-7000-8000-000000000000';

/** The journey of a user, the same over every door and on every storage. `start` gets the limits the journey is written for. */
export function describeJourney(storage: string, start: (environment: Record<string, string>) => Promise<TestServer>): void {
  describe.each(doors)(`the journey over %s on ${storage}`, (name, open) => {
    let server: TestServer;
    let ada: Door;
    let bob: Door;
    let samples: SampleFile[];

    beforeAll(async () => {
      server = await start({ MAX_IMAGE_BYTES: '200000', MAX_VIDEO_BYTES: '300000' });
      ada = open(server, await tokenOf(`ada-${name}`));
      bob = open(server, await tokenOf(`bob-${name}`));
      samples = await acceptedFiles();
    });

    afterAll(async () => {
      await server.close();
    });

    const emptied = async (door: Door): Promise<void> => {
      for (let page = await door.list({ first: 100 }); page.items.length > 0; page = await door.list({ first: 100 })) {
        for (const asset of page.items) await door.remove(asset.id);
      }
    };

    test('every accepted type goes in, is measured, and comes out byte for byte', async () => {
      for (const sample of samples) {
        const asset = await ada.upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes });
        expect({ name: sample.name, ...asset }).toMatchObject({
          name: sample.name,
          kind: sample.kind,
          status: 'READY',
          filename: sample.name,
          mimeType: sample.mimeType,
          size: sample.bytes.length,
          sha256: createHash('sha256').update(sample.bytes).digest('hex'),
          width: sample.width,
          height: sample.height,
          ...(sample.animated !== undefined && { animated: sample.animated }),
          ...(sample.videoCodec !== undefined && { videoCodec: sample.videoCodec }),
          ...(sample.audioCodec !== undefined && { audioCodec: sample.audioCodec }),
        });
        const delivered = await fetch(asset.url);
        expect(delivered.headers.get('content-type')).toBe(sample.mimeType);
        expect(Buffer.from(await delivered.arrayBuffer()).equals(sample.bytes)).toBe(true);
      }
      expect(await server.storedFiles()).toHaveLength(samples.length);
    }, 120_000);

    test('the list is newest first, pages without gaps, and counts what its filter fits', async () => {
      const all = await ada.list({ first: 100 });
      expect(all.items.map((asset) => asset.filename)).toEqual(samples.map((sample) => sample.name).reverse());
      expect(all).toMatchObject({ totalCount: samples.length, nextCursor: null });

      const paged: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await ada.list({ first: 2, ...(after !== undefined && { after }) });
        paged.push(...page.items.map((asset) => asset.id));
        expect(page.totalCount).toBe(samples.length);
        if (page.nextCursor === null) break;
        after = page.nextCursor;
      }
      expect(paged).toEqual(all.items.map((asset) => asset.id));

      const videos = await ada.list({ first: 100, kind: 'VIDEO', status: 'READY' });
      expect(videos.totalCount).toBe(samples.filter((sample) => sample.kind === 'VIDEO').length);
      expect(await ada.list({ status: 'FAILED' })).toMatchObject({ items: [], totalCount: 0 });
    });

    test('what is said of a file can be said at once, changed, cleared, searched and filtered by', async () => {
      const [sample] = samples;
      if (sample === undefined) throw new Error('There are no samples');
      const described = { title: '100% of_the Sea', altText: 'Waves', tags: ['sea', 'été'] };
      const asset = await ada.upload({ kind: sample.kind, name: 'Ünique name.jpg', bytes: sample.bytes }, described);
      expect(asset).toMatchObject(described);

      const found = async (query: Parameters<Door['list']>[0]): Promise<string[]> =>
        (await ada.list(query)).items.map((each) => each.id);
      expect(await found({ search: '100% OF_' })).toEqual([asset.id]);
      expect(await found({ search: 'üNIQUE' })).toEqual([asset.id]);
      expect(await found({ search: '100_' })).toEqual([]);
      expect(await found({ tag: 'été' })).toEqual([asset.id]);
      expect(await found({ tag: 'sea', kind: 'VIDEO' })).toEqual([]);

      const changed = await ada.update(asset.id, { title: 'Calm' });
      expect(changed).toMatchObject({ title: 'Calm', altText: 'Waves', tags: ['sea', 'été'] });
      expect(Date.parse(changed.updatedAt)).toBeGreaterThanOrEqual(Date.parse(asset.updatedAt));
      expect(await ada.update(asset.id, { title: null, tags: [] })).toMatchObject({ title: null, altText: 'Waves', tags: [] });
      expect(await ada.get(asset.id)).toMatchObject({ title: null, sha256: asset.sha256 });
      await ada.remove(asset.id);
    });

    test('two users never see or touch what is the other one’s', async () => {
      const [asset] = (await ada.list({ first: 1 })).items;
      if (asset === undefined) throw new Error('There is no asset');
      expect(await bob.list()).toEqual({ items: [], nextCursor: null, totalCount: 0 });
      expect(await bob.get(asset.id)).toBeNull();
      expect(await bob.get(unknownId)).toBeNull();
      for (const id of [asset.id, unknownId, 'no-uuid']) {
        await expect(bob.update(id, { title: 'mine' })).rejects.toMatchObject({
          code: 'NOT_FOUND',
          message: 'There is no such media of yours.',
        });
        await expect(bob.remove(id)).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no such media of yours.' });
      }
      expect(await ada.get(asset.id)).toMatchObject({ title: asset.title });
    });

    test('a deletion removes the row, the bytes and the links', async () => {
      const before = (await server.storedFiles()).length;
      const [asset] = (await ada.list({ first: 1 })).items;
      if (asset === undefined) throw new Error('There is no asset');
      expect(await ada.remove(asset.id)).toBe(true);
      expect(await ada.get(asset.id)).toBeNull();
      expect((await fetch(asset.url)).status).toBe(404);
      expect(await server.storedFiles()).toHaveLength(before - 1);
      await expect(ada.remove(asset.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('every file that is refused gets its code and leaves nothing', async () => {
      await emptied(ada);
      for (const refused of await refusedFiles()) {
        const outcome = await ada
          .upload({ kind: refused.kind, name: refused.name, bytes: refused.bytes, declaredType: 'image/jpeg' })
          .then(
            (asset) => ({ code: `taken as ${asset.mimeType}`, message: '' }),
            (error: { code: string; message: string }) => error,
          );
        expect({ name: refused.name, code: outcome.code }).toEqual({ name: refused.name, code: refused.code });
        expect(outcome.message).toMatch(/\.$/);
      }
      expect(await ada.list()).toEqual({ items: [], nextCursor: null, totalCount: 0 });
      expect(await server.storedFiles()).toEqual([]);
    }, 120_000);

    test('a file of exactly the limit passes, one byte more is FILE_TOO_LARGE', async () => {
      const image = samples.find((sample) => sample.mimeType === 'image/jpeg');
      if (image === undefined) throw new Error('There is no JPEG');
      // What follows a JPEG's end is padding to every decoder.
      const padded = (sizeBytes: number): Buffer => Buffer.concat([image.bytes, Buffer.alloc(sizeBytes - image.bytes.length)]);
      const asset = await ada.upload({ kind: 'IMAGE', name: 'limit.jpg', bytes: padded(200_000) });
      expect(asset.size).toBe(200_000);
      await expect(ada.upload({ kind: 'IMAGE', name: 'over.jpg', bytes: padded(200_001) })).rejects.toMatchObject({
        code: 'FILE_TOO_LARGE',
        message: expect.stringContaining('200000'),
      });
      await emptied(ada);
      expect(await server.storedFiles()).toEqual([]);
    });

    test.each([
      ['first', { first: 0 }],
      ['first', { first: 101 }],
      ['cursor', { after: 'made up' }],
      ['search', { search: 'a\u0000b' }],
      ['tag', { tag: '\u0000' }],
    ])('a %s that does not fit is BAD_USER_INPUT', async (_what, query) => {
      await expect(ada.list(query)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    });

    test.each([
      ['no token', undefined],
      ['no token of ours', 'e30.e30.e30'],
    ])('%s is UNAUTHENTICATED with 401', async (_what, token) => {
      const stranger = open(server, token);
      const [sample] = samples;
      if (sample === undefined) throw new Error('There are no samples');
      const expected = { code: 'UNAUTHENTICATED', status: 401 };
      await expect(stranger.list()).rejects.toMatchObject(expected);
      await expect(stranger.get(unknownId)).rejects.toMatchObject(expected);
      await expect(stranger.upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes })).rejects.toMatchObject(
        expected,
      );
    });
  });
}
