import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { query } from '../support/database.ts';
import { type DirectDoor, overGraphql } from '../support/direct-door.ts';
import type { Door } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { jpeg } from '../support/media/pictures.ts';
import { type TestServer, tokenOf } from '../support/server.ts';
import { putBytes, sendRest } from '../support/session-put.ts';

const chunk = 262_144;

/** What becomes of direct uploads that nobody completes, or that are completed late, on every storage. */
export function describeUnfinishedDirectUploads(
  storage: string,
  start: (environment: Record<string, string>) => Promise<TestServer>,
): void {
  describe(`direct uploads that stay unfinished, on ${storage}`, () => {
    let server: TestServer;
    let direct: DirectDoor;
    let door: Door;
    let film: Buffer;

    beforeEach(async () => {
      server = await start({ SWEEP_INTERVAL_SECONDS: '1', UPLOAD_GRACE_SECONDS: '1', IMAGE_STRIP_LOCATION: 'true' });
      const token = await tokenOf('ada');
      direct = overGraphql(server, token);
      door = graphqlClient(server, token);
      film = Buffer.concat(await (await bigMp4({ sizeBytes: 900_000 })).toArray());
    });

    afterEach(() => server.close());

    const rows = () => query(server.databaseUrl, 'select id, status from media_assets');
    const reserved = async (): Promise<unknown> =>
      (await query(server.databaseUrl, 'select reserved_bytes::int as bytes from media_usage'))[0];
    const eventually = async (done: () => Promise<boolean>): Promise<boolean> => {
      for (let tries = 0; tries < 160; tries += 1) {
        if (await done()) return true;
        await sleep(50);
      }
      return false;
    };
    const begin = () => direct.create({ kind: 'VIDEO', filename: 'film.mp4', mimeType: 'video/mp4', size: film.length });
    const outliveSession = (id: string) =>
      query(server.databaseUrl, `update media_assets set alive_at = now() - interval '1 hour' where id = '${id}'`);
    const photo = async (): Promise<Buffer> =>
      await sharp(await jpeg({ width: 80, height: 60 }))
        .withExif({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 3230/100' } })
        .jpeg()
        .toBuffer();

    test('live as long as their session, and are swept after it: row, bytes, share of the quota, and the session, so that a late PUT makes no object', async () => {
      const { id, url } = await begin();
      await putBytes(url, film.subarray(0, chunk), { range: `bytes 0-${chunk - 1}/${film.length}` });
      await sleep(3000);
      expect(await rows()).toMatchObject([{ id, status: 'UPLOADING' }]);
      expect(await reserved()).toEqual({ bytes: film.length });

      await outliveSession(id);
      expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
      expect(await reserved()).toEqual({ bytes: 0 });
      expect(await server.storedFiles()).toEqual([]);
      const late = await putBytes(url, film.subarray(chunk), { range: `bytes ${chunk}-${film.length - 1}/${film.length}` });
      expect([404, 410, 499]).toContain(late.status);
      const again = await putBytes(url, film);
      expect([404, 410, 499]).toContain(again.status);
      expect(await server.storedFiles()).toEqual([]);
      await expect(direct.complete(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('are swept with their object when all bytes had come and nobody completed them', async () => {
      const { id, url } = await begin();
      await sendRest(url, film);
      expect(await server.storedFiles()).toHaveLength(1);
      await outliveSession(id);
      expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
      expect(await server.storedFiles()).toEqual([]);
    });

    test('are completed, swept or deleted, whichever comes first, and leave either an asset or nothing', async () => {
      for (let round = 0; round < 8; round += 1) {
        const { id, url } = await begin();
        await sendRest(url, film);
        const [completed] = await Promise.allSettled([direct.complete(id), outliveSession(id)]);
        if (completed.status === 'fulfilled') {
          expect(await door.get(id)).toMatchObject({ id });
          expect((await fetch(completed.value.url)).status).toBe(200);
        } else {
          expect(completed.reason).toMatchObject({ code: expect.stringMatching(/^(NOT_FOUND|STORAGE_UNAVAILABLE)$/) });
        }
        await door.remove(id).catch(() => undefined);
      }
      expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
      expect(await server.storedFiles()).toEqual([]);
      expect(await reserved()).toEqual({ bytes: 0 });
    });

    test('that a process was completing when it died are completed by another as soon as it has been silent for long enough', async () => {
      const { id, url } = await begin();
      await sendRest(url, film);
      await query(
        server.databaseUrl,
        `update media_assets set completed_by = '018f0000-0000-7000-8000-000000000001', completing_until = now() + interval '2 seconds' where id = '${id}'`,
      );
      const startedAt = performance.now();
      expect(await direct.complete(id)).toMatchObject({ id });
      expect(performance.now() - startedAt).toBeGreaterThan(1500);
      expect(await door.remove(id)).toBe(true);
    });

    test('that a process was completing when it died are deleted at once for everybody, and their bytes when it can add none any more', async () => {
      const { id, url } = await begin();
      await sendRest(url, film);
      await query(
        server.databaseUrl,
        `update media_assets set completed_by = '018f0000-0000-7000-8000-000000000001', completing_until = now() + interval '2 seconds' where id = '${id}'`,
      );
      expect(await door.remove(id)).toBe(false);
      await expect(direct.complete(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await outliveSession(id);
      expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
      expect(await server.storedFiles()).toEqual([]);
    });

    test('of photos are stored without the position that was in them, and tell of the bytes that are left', async () => {
      const bytes = await photo();
      const { id, url } = await direct.create({
        kind: 'IMAGE',
        filename: 'photo.jpg',
        mimeType: 'image/jpeg',
        size: bytes.length,
      });
      expect((await putBytes(url, bytes)).status).toBe(200);
      const assets = await Promise.all(Array.from({ length: 4 }, async () => await direct.complete(id)));
      const form = await door.upload({ kind: 'IMAGE', name: 'photo.jpg', bytes });
      for (const asset of assets) expect(asset).toMatchObject({ id, sha256: form.sha256, size: form.size });
      const stored = Buffer.from(await (await fetch(assets[0]?.url ?? '')).arrayBuffer());
      expect(stored.equals(bytes)).toBe(false);
      expect(stored.equals(Buffer.from(await (await fetch(form.url)).arrayBuffer()))).toBe(true);
      expect((await sharp(stored).metadata()).exif?.includes(Buffer.from('N\u0000\u0000\u0000'))).toBe(false);
      expect(await server.storedFiles()).toHaveLength(2);
      for (const each of [id, form.id]) expect(await door.remove(each)).toBe(true);
      expect(await server.storedFiles()).toEqual([]);
    });
  });
}
