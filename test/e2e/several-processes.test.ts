import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../src/database/connection.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import type { Door } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { acceptedFiles } from '../support/media.ts';
import { type Run, run } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { filesBelow, testSecret, tokenOf } from '../support/server.ts';

describe('two servers and two workers on one database and one storage', () => {
  let database: TestDatabase;
  let dataDir: string;
  let processes: Run[];
  let doors: [Door, Door];

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-several-'));
    const environment = {
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      AUTH_JWT_SECRET: testSecret,
      PORT: '0',
      SWEEP_INTERVAL_SECONDS: '1',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'warn',
    };
    const servers = [0, 1].map(() => run('main', { ...environment, WORKER: 'off' }));
    const workers = [0, 1].map(() => run('worker', environment));
    processes = [...servers, ...workers];
    await Promise.all(workers.map((worker) => worker.printed(/running background jobs/)));
    const token = await tokenOf('ada');
    const [first = '', second = ''] = await Promise.all(servers.map((server) => server.printed(/ready at (http:\S+)/)));
    doors = [graphqlClient({ url: first }, token), restClient({ url: second }, token)];
  }, 120_000);

  afterAll(async () => {
    for (const { child } of processes) child.kill('SIGTERM');
    const codes = await Promise.all(processes.map(({ ended }) => ended));
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
    expect(codes).toEqual([0, 0, 0, 0]);
    // Not a word of warning from anybody.
    expect(processes.map((each) => each.output()).join('')).not.toMatch(/"level":[456]0/);
  }, 60_000);

  test('what one takes the other lists, serves, changes and deletes', async () => {
    for (const [here, there] of [doors, doors.toReversed() as typeof doors]) {
      const files = (await acceptedFiles()).slice(0, 6);
      const assets = await Promise.all(files.map(({ kind, name, bytes }) => here.upload({ kind, name, bytes })));
      expect((await there.list()).items.map(({ id }) => id).sort()).toEqual(assets.map(({ id }) => id).sort());
      for (const [index, { id }] of assets.entries()) {
        const seen = await there.update(id, { title: `number ${index}` });
        const bytes = Buffer.from(await (await fetch(seen.url)).arrayBuffer());
        expect(bytes.equals(files[index]?.bytes ?? Buffer.alloc(0))).toBe(true);
        expect(await here.get(id)).toMatchObject({ title: `number ${index}` });
      }
      expect(await Promise.all(assets.map(({ id }) => there.remove(id)))).toEqual(assets.map(() => true));
      expect((await here.list()).totalCount).toBe(0);
    }
    expect(await filesBelow(join(dataDir, 'objects'))).toEqual([]);
  }, 60_000);

  test('a deletion that both are asked for at once is done by one', async () => {
    const [sample] = await acceptedFiles();
    if (sample === undefined) throw new Error('There are no samples');
    const { id } = await doors[0].upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes });
    const outcomes = await Promise.allSettled([0, 1, 0, 1].map((index) => doors[index === 0 ? 0 : 1].remove(id)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason.code);
    expect(refused).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
  });

  test('300 abandoned uploads are swept by both workers together, with their objects and their share of the quota', async () => {
    const [sample] = await acceptedFiles();
    if (sample === undefined) throw new Error('There are no samples');
    const kept = await doors[0].upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes });
    const abandoned = await doors[1].upload({ kind: sample.kind, name: sample.name, bytes: sample.bytes });
    // The total comes first: the workers do not wait for it.
    await query(
      database.url,
      `insert into media_usage (user_id, asset_count, size_bytes, reserved_bytes) values ('bob', 0, 0, 2990)`,
    );
    // 299 that had no object yet, and one that had.
    await query(
      database.url,
      `insert into media_assets (id, user_id, kind, status, filename, storage_uri, mime_type, size_bytes, sha256, tags, created_at, updated_at, reserved_bytes, alive_at)
       select gen_random_uuid(), 'bob', 'VIDEO', 'UPLOADING', 'a.mp4', 'disk:', 'video/mp4', 0, '', '{}', now(), now(), 10, now() - interval '2 hours'
       from generate_series(1, 299)`,
    );
    await query(
      database.url,
      `with moved as (
         update media_assets set status = 'UPLOADING', reserved_bytes = size_bytes, alive_at = now() - interval '2 hours'
         where id = '${abandoned.id}' returning size_bytes
       )
       update media_usage set asset_count = asset_count - 1, size_bytes = media_usage.size_bytes - moved.size_bytes, reserved_bytes = moved.size_bytes
       from moved where user_id = 'ada'`,
    );
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await query(database.url, 'select id from media_assets')).length === 1) break;
      await sleep(100);
    }
    expect(await query(database.url, 'select id, status from media_assets')).toEqual([{ id: kept.id, status: 'READY' }]);
    expect(
      await query(database.url, 'select user_id, asset_count, size_bytes::int, reserved_bytes::int from media_usage order by 1'),
    ).toEqual([
      { user_id: 'ada', asset_count: 1, size_bytes: kept.size, reserved_bytes: 0 },
      { user_id: 'bob', asset_count: 0, size_bytes: 0, reserved_bytes: 0 },
    ]);
    expect(await filesBelow(join(dataDir, 'objects'))).toHaveLength(1);
  }, 60_000);
});
