import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { Door } from '../support/doors.ts';
import { jpeg } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { settled } from './renditions.ts';

describe('a server that makes renditions ahead and cuts the location out of originals', () => {
  let server: TestServer;
  let ada: Door;

  beforeAll(async () => {
    server = await startTestServer({ IMAGE_PREGENERATE: '200,640', IMAGE_STRIP_LOCATION: 'true' });
    ada = restClient(server, await tokenOf('ada'));
  });

  afterAll(async () => {
    await server.close();
  });

  const photo = async (): Promise<Buffer> =>
    await sharp(await jpeg({ width: 800, height: 600 }))
      .withExif({
        IFD0: { Make: 'SpyCam' },
        IFD2: { BodySerialNumber: 'SN-1' },
        IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 3230/100' },
      })
      .jpeg()
      .toBuffer();

  test('has them beside the original soon after an upload', async () => {
    const { id } = await ada.upload({ kind: 'IMAGE', name: 'photo.jpg', bytes: await photo() });
    await settled(async () => {
      const names = (await server.storedFiles()).map((path) => path.split('/').at(-2)).sort();
      expect(names).toEqual(['original', 'w256-h192-inside.webp', 'w640-h480-inside.webp']);
    });
    expect(await ada.remove(id)).toBe(true);
    expect(await server.storedFiles()).toEqual([]);
  });

  test('stores and tells of the bytes that are left, and makes the same asset of a repeated upload', async () => {
    const bytes = await photo();
    const send = async (): Promise<{ id: string; sha256: string; size: number; url: string }> => {
      const form = new FormData();
      form.append('file', new Blob([new Uint8Array(bytes)]), 'photo.jpg');
      const headers = { authorization: `Bearer ${await tokenOf('ada')}`, 'idempotency-key': 'once' };
      const answer = await fetch(`${server.url}/api/v1/media/upload/image`, { method: 'POST', headers, body: form });
      return (await answer.json()) as { id: string; sha256: string; size: number; url: string };
    };
    const asset = await send();
    const delivered = Buffer.from(await (await fetch(asset.url)).arrayBuffer());
    expect(delivered.length).toBe(bytes.length);
    expect(delivered.includes('SN-1')).toBe(false);
    expect(delivered.includes('SpyCam')).toBe(true);
    expect(asset).toMatchObject({ size: delivered.length, sha256: createHash('sha256').update(delivered).digest('hex') });
    expect(await sharp(delivered).raw().toBuffer()).toEqual(await sharp(bytes).raw().toBuffer());
    expect((await send()).id).toBe(asset.id);
    await ada.remove(asset.id);
  });
});
