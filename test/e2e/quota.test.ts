import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beginUpload, graphqlUpload, restUpload } from '../support/cut-off.ts';
import { query } from '../support/database.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { acceptedFiles } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

/** More than one step of the meter (src/media/intake.ts), so that what arrives is reserved while it arrives. */
const videoBytes = 9_000_000;

describe('a quota that holds two and a half videos', () => {
  let server: TestServer;
  let token: string;
  let video: Buffer;

  beforeEach(async () => {
    server = await startTestServer({ USER_QUOTA_BYTES: String(videoBytes * 2.5) });
    token = await tokenOf('ada');
    video = Buffer.concat(await (await bigMp4({ sizeBytes: videoBytes })).toArray());
  });
  afterEach(() => server.close());

  const held = async (): Promise<unknown> => {
    const [row = null] = await query(
      server.databaseUrl,
      'select asset_count, size_bytes::int, reserved_bytes::int from media_usage',
    );
    return row;
  };
  const eventually = async (expected: unknown): Promise<void> => {
    for (let tries = 0; tries < 200; tries += 1) {
      if (JSON.stringify(await held()) === JSON.stringify(expected)) return;
      await sleep(25);
    }
    expect(await held()).toEqual(expected);
  };
  const nothing = { asset_count: 0, size_bytes: 0, reserved_bytes: 0 };
  const file = (): { kind: 'VIDEO'; name: string; bytes: Buffer } => ({ kind: 'VIDEO', name: 'film.mp4', bytes: video });
  /** Sends all but the end of a video, and waits. */
  const beginMost = async (uploadOf: typeof restUpload): Promise<Socket> => {
    const socket = await beginUpload(server, uploadOf('video', token), video.length);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.write(video.subarray(0, -1000), resolve));
    return socket;
  };

  test('never lets more than two of eight through that grow at once over both doors, and holds nothing for the others', async () => {
    const doors = [graphqlClient(server, token), restClient(server, token)];
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        doors[index % 2]?.upload(file()).then(
          () => 'taken',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    // Two that would fit may refuse each other while a third is on its way out; never do more than two pass.
    const taken = codes.filter((code) => code === 'taken').length;
    expect(taken).toBeLessThanOrEqual(2);
    expect(codes.filter((code) => code === 'QUOTA_EXCEEDED')).toHaveLength(8 - taken);
    await eventually({ asset_count: taken, size_bytes: taken * videoBytes, reserved_bytes: 0 });
    expect(await server.storedFiles()).toHaveLength(taken);
    for (let index = taken; index < 2; index += 1) await doors[0]?.upload(file());
    await expect(doors[1]?.upload(file())).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', status: 413 });
    await eventually({ asset_count: 2, size_bytes: 2 * videoBytes, reserved_bytes: 0 });
  });

  test.each([
    ['GraphQL', graphqlUpload],
    ['REST', restUpload],
  ])(
    'counts what has arrived of a running upload over %s, and frees it at once when the client leaves',
    async (_name, uploadOf) => {
      const running = await Promise.all([beginMost(uploadOf), beginMost(uploadOf)]);
      for (let tries = 0; tries < 200; tries += 1) {
        const { reserved_bytes } = ((await held()) ?? nothing) as typeof nothing;
        if (reserved_bytes > 2 * 8_000_000) break;
        await sleep(25);
      }
      await expect(restClient(server, token).upload(file())).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
      for (const socket of running) socket.destroy();
      await eventually(nothing);
      await restClient(server, token).upload(file());
      await restClient(server, token).upload(file());
      expect(await server.storedFiles()).toHaveLength(2);
    },
  );

  test('frees the share of an upload that is refused for what it is, and that of a deleted asset, at once', async () => {
    const door = restClient(server, token);
    for (let index = 0; index < 4; index += 1) {
      await expect(door.upload({ ...file(), bytes: video.subarray(0, -5000) })).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
      expect(await held()).toEqual(nothing);
    }
    const assets = [await door.upload(file()), await door.upload(file())];
    await expect(door.upload(file())).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    await door.remove(assets[0]?.id ?? '');
    await door.upload(file());
    expect(await held()).toEqual({ asset_count: 2, size_bytes: 2 * videoBytes, reserved_bytes: 0 });
  });

  test('is told while the bytes arrive, not after them', async () => {
    const socket = await beginUpload(server, restUpload('video', token), 1_000_000_000);
    socket.on('error', () => undefined);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.write(video);
    const filler = Buffer.alloc(1_000_000);
    for (let sent = 0; sent < 60 && !answer.includes('QUOTA_EXCEEDED'); sent += 1) {
      if (!socket.write(filler)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), sleep(500)]);
    }
    for (let tries = 0; tries < 100 && !answer.includes('QUOTA_EXCEEDED'); tries += 1) await sleep(50);
    expect(answer).toContain('QUOTA_EXCEEDED');
    socket.destroy();
    await eventually(nothing);
  });

  test('is of no matter to somebody else, and is told with what is used', async () => {
    const [image] = await acceptedFiles();
    if (image === undefined) throw new Error('There are no samples');
    await restClient(server, token).upload(file());
    await restClient(server, await tokenOf('bob')).upload({ kind: image.kind, name: image.name, bytes: image.bytes });
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: '{ myUsage { count bytes quotaBytes } }' }),
    });
    expect(await response.json()).toEqual({
      data: { myUsage: { count: 1, bytes: videoBytes, quotaBytes: videoBytes * 2.5 } },
    });
  });
});
