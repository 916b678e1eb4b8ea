import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../support/database.ts';
import { type DirectDoor, overGraphql, overRest } from '../support/direct-door.ts';
import type { Door } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { acceptedFiles, refusedFiles, type SampleFile } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { type TestServer, tokenOf } from '../support/server.ts';
import { askSession, checksumOf, putBytes, sendRest } from '../support/session-put.ts';

const chunk = 262_144;

/** The journey of a direct upload, the same over both doors and on every storage. */
export function describeDirectUpload(storage: string, start: (environment: Record<string, string>) => Promise<TestServer>): void {
  describe.each([
    ['GraphQL', overGraphql, graphqlClient],
    ['REST', overRest, restClient],
  ] as const)(`a direct upload over %s on ${storage}`, (name, open, openDoor) => {
    let server: TestServer;
    let ada: DirectDoor;
    let adasMedia: Door;
    let bob: DirectDoor;
    let samples: SampleFile[];
    let film: Buffer;

    beforeAll(async () => {
      server = await start({ MAX_IMAGE_BYTES: '200000', MAX_VIDEO_BYTES: '2000000', USER_QUOTA_BYTES: '4000000' });
      const token = await tokenOf(`ada-${name}`);
      ada = open(server, token);
      adasMedia = openDoor(server, token);
      bob = open(server, await tokenOf(`bob-${name}`));
      samples = await acceptedFiles();
      film = Buffer.concat(await (await bigMp4({ sizeBytes: 1_500_000 })).toArray());
    });

    afterAll(async () => {
      await server.close();
    });

    const announce = (file: { kind: 'IMAGE' | 'VIDEO'; name: string; bytes: Buffer }, mimeType = 'application/octet-stream') =>
      ada.create({ kind: file.kind, filename: file.name, mimeType, size: file.bytes.length });
    const aFilm = () => ({ kind: 'VIDEO' as const, name: 'film.mp4', bytes: film });
    const rows = () => query(server.databaseUrl, 'select id, status, announced_bytes, session_uri from media_assets');
    const nothingIsLeft = async (): Promise<void> => {
      expect(await rows()).toEqual([]);
      expect(await server.storedFiles()).toEqual([]);
      const held = await query(server.databaseUrl, 'select reserved_bytes::int, size_bytes::int, asset_count from media_usage');
      for (const each of held) expect(each).toEqual({ reserved_bytes: 0, size_bytes: 0, asset_count: 0 });
    };
    const emptied = async (): Promise<void> => {
      for (const { id } of (await adasMedia.list({ first: 100 })).items) expect(await adasMedia.remove(id)).toBe(true);
      await nothingIsLeft();
    };

    test('of every accepted type, in one PUT, becomes the asset that a form would have made, with every byte', async () => {
      for (const sample of samples) {
        const described = { title: 'At the sea', altText: 'Waves', tags: ['sea'] };
        const upload = await ada.create({
          kind: sample.kind,
          filename: sample.name,
          mimeType: sample.mimeType,
          size: sample.bytes.length,
          ...described,
        });
        expect(upload).toMatchObject({ method: 'PUT', headers: [{ name: 'Content-Type', value: sample.mimeType }] });
        expect(upload.chunkSize % chunk).toBe(0);
        const inSeconds = (Date.parse(upload.expiresAt) - Date.now()) / 1000;
        expect(inSeconds).toBeGreaterThan(86_000);
        expect(inSeconds).toBeLessThanOrEqual(86_400);
        expect(await adasMedia.get(upload.id)).toBeNull();

        const answer = await putBytes(upload.url, sample.bytes, { headers: { 'Content-Type': sample.mimeType } });
        expect(answer.status).toBe(200);
        expect(JSON.parse(answer.body)).toMatchObject({
          name: `${upload.id}/original`,
          size: String(sample.bytes.length),
          crc32c: checksumOf(sample.bytes),
          contentType: sample.mimeType,
        });
        expect(await adasMedia.get(upload.id)).toBeNull();

        const asset = await ada.complete(upload.id);
        expect({ name: sample.name, ...asset }).toMatchObject({
          id: upload.id,
          name: sample.name,
          kind: sample.kind,
          status: 'READY',
          filename: sample.name,
          mimeType: sample.mimeType,
          size: sample.bytes.length,
          sha256: createHash('sha256').update(sample.bytes).digest('hex'),
          width: sample.width,
          height: sample.height,
          ...described,
          ...(sample.animated !== undefined && { animated: sample.animated }),
          ...(sample.videoCodec !== undefined && { videoCodec: sample.videoCodec }),
        });
        expect(await adasMedia.get(upload.id)).toMatchObject({ sha256: asset.sha256 });
        const delivered = await fetch(asset.url);
        expect(delivered.headers.get('content-type')).toBe(sample.mimeType);
        expect(Buffer.from(await delivered.arrayBuffer()).equals(sample.bytes)).toBe(true);
      }
      expect(await server.storedFiles()).toHaveLength(samples.length);
      await emptied();
    }, 120_000);

    test('in chunks tells how far it is, goes on from there, and is complete once, however often that is asked for', async () => {
      const upload = await announce(aFilm());
      expect(await askSession(upload.url, film.length)).toBe(0);
      const first = await putBytes(upload.url, film.subarray(0, chunk), { range: `bytes 0-${chunk - 1}/${film.length}` });
      expect([first.status, first.range]).toEqual([308, `bytes=0-${chunk - 1}`]);
      await expect(ada.complete(upload.id)).rejects.toMatchObject({ code: 'UPLOAD_INCOMPLETE', status: expect.anything() });
      expect(await askSession(upload.url, film.length)).toBe(chunk);
      // Sent again from the start, as after an answer that was lost: what is held is skipped.
      const again = await putBytes(upload.url, film.subarray(0, 2 * chunk), { range: `bytes 0-${2 * chunk - 1}/*` });
      expect([again.status, again.range]).toEqual([308, `bytes=0-${2 * chunk - 1}`]);
      const last = await sendRest(upload.url, film);
      expect(JSON.parse(last.body)).toMatchObject({ size: String(film.length), crc32c: checksumOf(film) });
      expect(await askSession(upload.url, film.length)).toBe('whole');

      const [asset, ...others] = await Promise.all(Array.from({ length: 6 }, async () => await ada.complete(upload.id)));
      expect(asset).toMatchObject({ kind: 'VIDEO', size: film.length, sha256: createHash('sha256').update(film).digest('hex') });
      for (const other of others) expect(other.id).toBe(asset?.id);
      expect(await ada.complete(upload.id)).toMatchObject({ id: upload.id, sha256: asset?.sha256 });
      expect(await rows()).toEqual([{ id: upload.id, status: 'READY', announced_bytes: null, session_uri: null }]);
      await emptied();
    });

    test('is refused at once for what can be known beforehand, and nothing is left', async () => {
      const refused = async (announcement: Partial<Parameters<DirectDoor['create']>[0]>): Promise<string> =>
        await ada.create({ kind: 'VIDEO', filename: 'a', mimeType: 'video/mp4', size: 10, ...announcement }).then(
          () => 'taken',
          (error: { code: string; message: string }) => {
            expect(error.message).toMatch(/\.$/);
            return error.code;
          },
        );
      expect(await refused({ size: 2_000_001 })).toBe('FILE_TOO_LARGE');
      expect(await refused({ kind: 'IMAGE', mimeType: 'image/png', size: 200_001 })).toBe('FILE_TOO_LARGE');
      expect(await refused({ size: 0 })).toBe('INVALID_MEDIA');
      expect(await refused({ size: -1 })).toBe('BAD_USER_INPUT');
      expect(await refused({ mimeType: 'image/svg+xml', kind: 'IMAGE' })).toBe('UNSUPPORTED_MEDIA_TYPE');
      expect(await refused({ mimeType: 'image/png' })).toBe('UNSUPPORTED_MEDIA_TYPE');
      expect(await refused({ mimeType: 'video/mp4', kind: 'IMAGE' })).toBe('UNSUPPORTED_MEDIA_TYPE');
      expect(await refused({ title: 'x'.repeat(301) })).toBe('BAD_USER_INPUT');
      expect(await refused({ tags: ['\u0000'] })).toBe('BAD_USER_INPUT');
      await expect(
        open(server, undefined).create({ kind: 'IMAGE', filename: 'a', mimeType: 'image/png', size: 1 }),
      ).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
      await expect(open(server, undefined).complete('x')).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
      await nothingIsLeft();
    });

    test('reserves its share of the quota from the start, and frees it when it is taken back', async () => {
      const announcement = { kind: 'VIDEO' as const, filename: 'a.mp4', mimeType: 'video/mp4', size: 2_000_000 };
      const [first, second] = [await ada.create(announcement), await ada.create(announcement)];
      await expect(ada.create({ ...announcement, size: 1 })).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
      const [sample] = samples;
      if (sample === undefined) throw new Error('There are no samples');
      await expect(adasMedia.upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes })).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
      });
      expect(await adasMedia.remove(first.id)).toBe(true);
      await ada.create({ ...announcement, size: 1 });
      expect(await adasMedia.remove(second.id)).toBe(true);
      for (const row of await rows()) await adasMedia.remove(String((row as { id: string }).id));
      await nothingIsLeft();
    });

    test('that is taken back is nobody’s any more: its session makes no object, and its id answers as none', async () => {
      const upload = await announce(aFilm());
      await putBytes(upload.url, film.subarray(0, chunk), { range: `bytes 0-${chunk - 1}/${film.length}` });
      await expect(openDoor(server, await tokenOf(`bob-${name}`)).remove(upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await adasMedia.remove(upload.id)).toBe(true);
      await expect(adasMedia.remove(upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(ada.complete(upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      const late = await putBytes(upload.url, film.subarray(chunk), {
        range: `bytes ${chunk}-${film.length - 1}/${film.length}`,
      });
      expect([404, 410, 499]).toContain(late.status);
      await nothingIsLeft();
    });

    test('is completed by its owner only', async () => {
      const upload = await announce(aFilm());
      await putBytes(upload.url, film);
      for (const id of [upload.id, '018f0000-0000-7000-8000-000000000000', 'no-uuid']) {
        await expect(bob.complete(id)).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no such media of yours.' });
      }
      await ada.complete(upload.id);
      await expect(bob.complete(upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await emptied();
    });

    test('of a file that no form would get through is refused with the same code when it is completed, and nothing is left', async () => {
      for (const refused of await refusedFiles()) {
        if (refused.bytes.length === 0) continue;
        const upload = await announce(refused);
        expect((await putBytes(upload.url, refused.bytes)).status).toBe(200);
        const outcome = await ada.complete(upload.id).then(
          (asset) => ({ code: `taken as ${asset.mimeType}`, message: '' }),
          (error: { code: string; message: string }) => error,
        );
        expect({ name: refused.name, code: outcome.code }).toEqual({ name: refused.name, code: refused.code });
        await expect(ada.complete(upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      }
      await nothingIsLeft();
    }, 120_000);

    test('counts what the bytes say, not what was declared', async () => {
      const png = samples.find(({ mimeType }) => mimeType === 'image/png');
      if (png === undefined) throw new Error('There is no PNG');
      const upload = await announce(png, 'image/jpeg');
      await putBytes(upload.url, png.bytes);
      const asset = await ada.complete(upload.id);
      expect(asset.mimeType).toBe('image/png');
      expect((await fetch(asset.url)).headers.get('content-type')).toBe('image/png');
      await emptied();
    });

    test('takes exactly the bytes announced, and only those of its checksum', async () => {
      const upload = await announce(aFilm());
      const short = film.subarray(0, -1);
      expect((await putBytes(upload.url, short)).status).toBe(400);
      await expect(ada.complete(upload.id)).rejects.toMatchObject({ code: 'UPLOAD_INCOMPLETE' });
      await adasMedia.remove(upload.id);

      const damaged = await announce(aFilm());
      const headers = { 'X-Goog-Hash': `crc32c=${checksumOf(Buffer.from('something else'))}` };
      expect((await putBytes(damaged.url, film, { headers })).status).toBe(400);
      await expect(ada.complete(damaged.id)).rejects.toMatchObject({
        code: expect.stringMatching(/^(NOT_FOUND|UPLOAD_INCOMPLETE)$/),
      });
      await adasMedia.remove(damaged.id).catch(() => undefined);
      await nothingIsLeft();
    });

    test('that is deleted while it is completed is either there or not, and leaves nothing in the end', async () => {
      for (let round = 0; round < 6; round += 1) {
        const upload = await announce(aFilm());
        await putBytes(upload.url, film);
        const [completed, removed] = await Promise.allSettled([ada.complete(upload.id), adasMedia.remove(upload.id)]);
        expect(removed.status).toBe('fulfilled');
        if (completed.status === 'rejected') expect(completed.reason).toMatchObject({ code: 'NOT_FOUND' });
        expect(await adasMedia.get(upload.id)).toBeNull();
      }
      // Whoever was completing one that was deleted meanwhile takes away what is left.
      for (let tries = 0; tries < 50 && (await rows()).length > 0; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 50));
      await nothingIsLeft();
    });
  });
}
