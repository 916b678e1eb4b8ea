import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { beginUpload, closing, graphqlUpload, type RawUpload, restUpload } from '../support/cut-off.ts';
import { query } from '../support/database.ts';
import { received } from '../support/http.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

const doors: [string, (kind: 'image' | 'video', token: string) => RawUpload][] = [
  ['GraphQL', graphqlUpload],
  ['REST', restUpload],
];

/** Polls until `done`, because a server notices a closed connection a moment later. */
const eventually = async (done: () => Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await done()) return true;
    await sleep(50);
  }
  return false;
};

describe.each(doors)('an upload over %s that does not go to its end', (name, uploadOf) => {
  let server: TestServer;
  let token: string;
  let image: SampleFile;
  let video: SampleFile;

  const nothingIsLeft = async (): Promise<boolean> =>
    (await server.storedFiles()).length === 0 && (await query(server.databaseUrl, 'select id from media_assets')).length === 0;

  beforeAll(async () => {
    server = await startTestServer({ MAX_IMAGE_BYTES: '1000000', MAX_VIDEO_BYTES: '2000000' });
    token = await tokenOf(`cut-${name}`);
    const samples = await acceptedFiles();
    const find = (kind: string): SampleFile => {
      const found = samples.find((sample) => sample.kind === kind);
      if (found === undefined) throw new Error(`There is no sample ${kind}`);
      return found;
    };
    image = find('IMAGE');
    video = find('VIDEO');
  });

  afterAll(async () => {
    await server.close();
  });

  test('200 of them, cut off at points all over, leave no row and no file, and the server lives', async () => {
    const cut = async (index: number): Promise<void> => {
      const kind = index % 2 === 0 ? 'image' : 'video';
      const { bytes } = kind === 'image' ? image : video;
      const file = Buffer.concat([bytes, Buffer.alloc(400_000)]);
      const socket = await beginUpload(server, uploadOf(kind, token), file.length);
      socket.on('error', () => undefined);
      const upTo = Math.floor((file.length * (index % 20)) / 20);
      if (upTo > 0) await new Promise((resolve) => socket.write(file.subarray(0, upTo), resolve));
      if (index % 3 === 0) await sleep(20);
      socket.destroy();
    };
    for (let batch = 0; batch < 10; batch += 1)
      await Promise.all(Array.from({ length: 20 }, (_, index) => cut(batch * 20 + index)));
    expect(await eventually(nothingIsLeft)).toBe(true);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    const held = 'select coalesce(sum(size_bytes + reserved_bytes + asset_count), 0)::int as held from media_usage';
    expect(await query(server.databaseUrl, held)).toEqual([{ held: 0 }]);
  });

  test('a form that is cut off inside the file, with the connection still open for answers, is refused and leaves nothing', async () => {
    const file = Buffer.concat([image.bytes, Buffer.alloc(10_000)]);
    const socket = await beginUpload(server, uploadOf('image', token), file.length);
    socket.write(file.subarray(0, 5_000));
    socket.end();
    const closed = once(socket, 'close');
    socket.resume();
    await closed;
    expect(await eventually(nothingIsLeft)).toBe(true);
  });

  test('a form that comes in one piece and ends in the middle of its video is BAD_USER_INPUT, whenever that is noticed', async () => {
    for (const sizeBytes of [100, 4200, video.bytes.length - 1]) {
      const socket = await beginUpload(server, uploadOf('video', token), sizeBytes - closing('cut-off-boundary').length);
      const answer = received(socket, /"code":"\w+"/);
      socket.write(video.bytes.subarray(0, sizeBytes));
      expect(await answer).toContain('"code":"BAD_USER_INPUT"');
      socket.destroy();
    }
    expect(await eventually(nothingIsLeft)).toBe(true);
  });

  test('a file that begins behind the end of its form is refused, not waited for', async () => {
    const upload = uploadOf('video', token);
    // All in one piece; the first boundary behind the end is still passed over, the second begins a part.
    const behind = {
      ...upload,
      preamble: `${closing(upload.boundary)}\r\n--${upload.boundary}\r\n${upload.preamble}a few bytes`,
    };
    const socket = await beginUpload(server, behind, -closing(upload.boundary).length);
    expect(await received(socket, /"code":"\w+"/)).toContain('"code":"BAD_USER_INPUT"');
    socket.destroy();
    expect(await eventually(nothingIsLeft)).toBe(true);
  });

  test.each(['image', 'video'] as const)(
    'an %s over its limit is answered within a second, while the client still sends',
    async (kind) => {
      const [{ bytes }, limit] = kind === 'image' ? [image, 1_000_000] : [video, 2_000_000];
      const socket = await beginUpload(server, uploadOf(kind, token), 500_000_000);
      socket.on('error', () => undefined);
      let answer = '';
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString();
      });
      socket.write(bytes);
      const filler = Buffer.alloc(100_000);
      const begun = performance.now();
      let passedAt = Number.POSITIVE_INFINITY;
      for (
        let sent = bytes.length;
        !answer.includes('FILE_TOO_LARGE') && performance.now() - begun < 10_000;
        sent += filler.length
      ) {
        if (sent > limit) passedAt = Math.min(passedAt, performance.now());
        if (!socket.write(filler)) await Promise.race([once(socket, 'drain'), sleep(100)]);
        await sleep(1);
      }
      expect(answer).toContain('FILE_TOO_LARGE');
      expect(performance.now() - Math.min(passedAt, performance.now())).toBeLessThan(1000);
      socket.destroy();
      expect(await eventually(nothingIsLeft)).toBe(true);
    },
  );

  test('a client that leaves after its last byte does not undo the upload', async () => {
    const socket = await beginUpload(server, uploadOf('video', token), video.bytes.length);
    await new Promise((resolve) => socket.write(Buffer.concat([video.bytes, Buffer.from(closing('cut-off-boundary'))]), resolve));
    await sleep(5);
    socket.destroy();
    expect(
      await eventually(
        async () => (await query(server.databaseUrl, `select id from media_assets where status = 'READY'`)).length === 1,
      ),
    ).toBe(true);
    expect(await server.storedFiles()).toHaveLength(1);
    await query(server.databaseUrl, 'delete from media_assets');
  });
});
