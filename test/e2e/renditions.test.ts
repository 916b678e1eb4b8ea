import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { Door } from '../support/doors.ts';
import { jpeg } from '../support/media/pictures.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { describeRenditions, settled } from './renditions.ts';

describeRenditions('disk', () => startTestServer());

describe('renditions over several servers', () => {
  let first: TestServer;
  let second: TestServer;
  let ada: Door;
  let token: string;

  beforeAll(async () => {
    first = await startTestServer();
    second = await startTestServer({
      DATABASE_URL: first.databaseUrl,
      DATA_DIR: first.dataDir,
      PUBLIC_URL: 'http://media.example',
    });
    token = await tokenOf('ada');
    ada = restClient(first, token);
  });

  afterAll(async () => {
    await second.close();
    await first.close();
  });

  const linkTo = async (id: string, query: string): Promise<URL> => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${first.url}/api/v1/media/${id}/rendition?${query}`, { headers, redirect: 'manual' });
    return new URL(answer.headers.get('location') ?? '');
  };
  const fromBoth = (link: URL): string[] => [first, second].map(({ url }) => `${url}${link.pathname}${link.search}`);

  test('asked at once are never served by half, and one is kept', async () => {
    const { id } = await ada.upload({ kind: 'IMAGE', name: 'photo.jpg', bytes: await jpeg({ width: 1600, height: 1200 }) });
    for (const width of [64, 256, 640, 1280]) {
      const links = fromBoth(await linkTo(id, `width=${width}`));
      const answers = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => Buffer.from(await (await fetch(links[index % 2] ?? '')).arrayBuffer())),
      );
      for (const answer of answers) {
        // Decoding all of it would fail where bytes are missing.
        const { info } = await sharp(answer, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
        expect(info).toMatchObject({ width, height: (width * 3) / 4 });
      }
    }
    await settled(async () => expect(await first.storedFiles()).toHaveLength(5));
    const [one, other] = await Promise.all(
      fromBoth(await linkTo(id, 'width=640')).map(async (link) => (await fetch(link)).headers.get('etag')),
    );
    expect(other).toBe(one);
    expect(await ada.remove(id)).toBe(true);
    expect(await first.storedFiles()).toEqual([]);
  });

  test('made while their asset is deleted leave nothing, wherever they are made', async () => {
    for (let round = 0; round < 12; round += 1) {
      const { id } = await ada.upload({ kind: 'IMAGE', name: 'photo.jpg', bytes: await jpeg({ width: 800, height: 600 }) });
      const links = await Promise.all([64, 128, 256, 512].map((width) => linkTo(id, `width=${width}`)));
      const asked = links.flatMap(fromBoth).map(async (link) => {
        const answer = await fetch(link);
        await answer.arrayBuffer();
        return answer.status;
      });
      await new Promise((resolve) => setTimeout(resolve, round * 5));
      await ada.remove(id);
      for (const status of await Promise.all(asked)) expect([200, 404]).toContain(status);
    }
    await settled(async () => expect(await first.storedFiles()).toEqual([]));
  });
});
