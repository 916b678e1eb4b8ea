import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beginUpload, restUpload } from '../support/cut-off.ts';
import { query } from '../support/database.ts';
import type { Door } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { acceptedFiles } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

const eventually = async (done: () => Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < 160; tries += 1) {
    if (await done()) return true;
    await sleep(50);
  }
  return false;
};

describe('unfinished business', () => {
  let server: TestServer;
  let token: string;
  let door: Door;
  const rows = () => query(server.databaseUrl, 'select id, status from media_assets');

  beforeEach(async () => {
    server = await startTestServer({ SWEEP_INTERVAL_SECONDS: '1', UPLOAD_GRACE_SECONDS: '2' });
    token = await tokenOf('ada');
    door = graphqlClient(server, token);
  });

  afterEach(async () => {
    await server.close();
  });

  const uploadOne = async () => {
    const [sample] = await acceptedFiles();
    if (sample === undefined) throw new Error('There are no samples');
    return await door.upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes });
  };

  test('a deletion while the storage is away hides the asset at once, says so, and is finished when the storage is back', async () => {
    const asset = await uploadOne();
    const objects = join(server.dataDir, 'objects');
    await rename(objects, `${objects}-away`);
    expect(await door.remove(asset.id)).toBe(false);
    expect(await door.get(asset.id)).toBeNull();
    expect((await door.list()).totalCount).toBe(0);
    expect((await fetch(asset.url)).status).toBe(404);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect(await rows()).toEqual([{ id: asset.id, status: 'DELETING' }]);

    await rename(`${objects}-away`, objects);
    // Another process's lease on the deletion runs out after a minute; the test does not wait for it.
    await query(server.databaseUrl, `update media_assets set alive_at = now() - interval '1 hour'`);
    expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
    expect(await server.storedFiles()).toEqual([]);
  });

  test('over REST the same deletion answers 202', async () => {
    const asset = await uploadOne();
    const objects = join(server.dataDir, 'objects');
    await rename(objects, `${objects}-away`);
    const response = await fetch(`${server.url}/api/v1/media/${asset.id}`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(202);
    await rename(`${objects}-away`, objects);
  });

  test('an upload while the storage is away is STORAGE_UNAVAILABLE and leaves nothing', async () => {
    const objects = join(server.dataDir, 'objects');
    await rename(objects, `${objects}-away`);
    for (const client of [door, restClient(server, token)]) {
      const [sample] = await acceptedFiles();
      if (sample === undefined) throw new Error('There are no samples');
      await expect(client.upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes })).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
      });
    }
    await rename(`${objects}-away`, objects);
    await query(server.databaseUrl, `update media_assets set alive_at = now() - interval '1 hour'`);
    expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
    expect((await door.list()).totalCount).toBe(0);
  });

  test('an upload that a crash left behind is swept after its grace, with its share of the quota', async () => {
    const id = '018f0000-0000-7000-8000-000000000001';
    // First, because a sweep may come between the two statements.
    await query(
      server.databaseUrl,
      `insert into media_usage (user_id, asset_count, size_bytes, reserved_bytes) values ('ada', 0, 0, 1000)`,
    );
    await query(
      server.databaseUrl,
      `insert into media_assets (id, user_id, kind, status, filename, storage_uri, mime_type, size_bytes, sha256, tags, created_at, updated_at, reserved_bytes, alive_at)
       values ('${id}', 'ada', 'VIDEO', 'UPLOADING', 'a.mp4', 'disk:${id}/original', 'video/mp4', 0, '', '{}', now(), now(), 1000, now() - interval '1 minute')`,
    );
    expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
    expect(await query(server.databaseUrl, 'select reserved_bytes::int from media_usage')).toEqual([{ reserved_bytes: 0 }]);
  });

  test('an upload that is slower than the grace gives signs of life and is never swept', async () => {
    const video = (await acceptedFiles()).find(({ kind }) => kind === 'VIDEO');
    if (video === undefined) throw new Error('There is no video');
    const upload = restUpload('video', token);
    const socket = await beginUpload(server, upload, video.bytes.length);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.write(video.bytes.subarray(0, 5000));
    await sleep(6000);
    expect(await rows()).toMatchObject([{ status: 'UPLOADING' }]);
    socket.write(video.bytes.subarray(5000));
    socket.write(`\r\n--${upload.boundary}--\r\n`);
    expect(await eventually(async () => answer.startsWith('HTTP/1.1 201'))).toBe(true);
    socket.destroy();
  });

  test('an upload that was swept, because its process was frozen for too long, ends at its next sign of life and leaves nothing', async () => {
    const upload = restUpload('video', token);
    const socket = await beginUpload(server, upload, 100_000_000);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    const video = (await acceptedFiles()).find(({ kind }) => kind === 'VIDEO');
    socket.write(video?.bytes.subarray(0, 5000) ?? '');
    expect(await eventually(async () => (await rows()).length === 1)).toBe(true);
    // What a sweep of another process does to a row that has been silent for too long.
    await query(server.databaseUrl, `update media_assets set status = 'DELETING', alive_at = now() - interval '1 hour'`);
    expect(await eventually(async () => answer.includes('STORAGE_UNAVAILABLE'))).toBe(true);
    expect(answer).toMatch(/^HTTP\/1\.1 503/);
    expect(await eventually(async () => (await rows()).length === 0)).toBe(true);
    expect(await server.storedFiles()).toEqual([]);
    socket.destroy();
  });
});

describe('a quota', () => {
  test('is exact under concurrency over both doors, tells how much there is, and a failed upload frees its share at once', async () => {
    const [sample] = await acceptedFiles();
    if (sample === undefined) throw new Error('There are no samples');
    const size = sample.bytes.length;
    const server = await startTestServer({ USER_QUOTA_BYTES: String(size * 3) });
    try {
      const token = await tokenOf('ada');
      const doors = [graphqlClient(server, token), restClient(server, token)];
      const file = { kind: sample.kind, name: sample.name, bytes: sample.bytes };
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          doors[index % 2]?.upload(file).then(
            () => 'taken',
            (error: { code: string }) => error.code,
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(3);
      expect(outcomes.filter((outcome) => outcome === 'QUOTA_EXCEEDED')).toHaveLength(9);
      expect(await server.storedFiles()).toHaveLength(3);

      const [first] = (await doors[0]?.list())?.items ?? [];
      await doors[0]?.remove(first?.id ?? '');
      await expect(doors[1]?.upload({ ...file, bytes: sample.bytes.subarray(0, -20) })).rejects.toMatchObject({
        code: 'INVALID_MEDIA',
      });
      await expect(doors[1]?.upload(file)).resolves.toMatchObject({ size });
    } finally {
      await server.close();
    }
  });
});
