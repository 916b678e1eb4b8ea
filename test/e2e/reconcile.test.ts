import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../support/database.ts';
import type { WireAsset } from '../support/doors.ts';
import { acceptedFiles } from '../support/media.ts';
import { run } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, testSecret, tokenOf } from '../support/server.ts';

describe('npm run reconcile', () => {
  let server: TestServer;
  let assets: WireAsset[];

  const reconcile = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
    const environment = { DATABASE_URL: server.databaseUrl, DATA_DIR: server.dataDir, AUTH_JWT_SECRET: testSecret };
    const command = run('reconcile', environment, args);
    return { code: await command.ended, output: command.output() };
  };
  const folderOf = (id: string): string => join(server.dataDir, 'objects', id.slice(-2), id);
  const stored = async (): Promise<string[]> =>
    [...new Set((await server.storedFiles()).map((path) => path.split('/').at(-3) ?? ''))].sort();

  beforeAll(async () => {
    server = await startTestServer();
    const door = restClient(server, await tokenOf('ada'));
    const files = (await acceptedFiles()).slice(0, 4);
    assets = await Promise.all(files.map(({ kind, name, bytes }) => door.upload({ kind, name, bytes })));
  }, 60_000);
  afterAll(() => server.close());

  test('finds nothing where nothing differs, and exits 0', async () => {
    const { code, output } = await reconcile('--min-age-seconds', '0');
    expect(output).toMatch(/assets +4\b/);
    expect(output).toMatch(/objects +4\b/);
    expect(code).toBe(0);
  }, 60_000);

  test('tells what differs and exits 1; removes only what no row knows, and only with --apply', async () => {
    const [lost, ...kept] = assets as [WireAsset, WireAsset, WireAsset, WireAsset];
    await rm(folderOf(lost.id), { recursive: true });
    const orphan = '0199e0a4-52c1-7000-8000-0123456789ab';
    const object = join(folderOf(orphan), 'original', 'e3069283');
    await mkdir(dirname(object), { recursive: true });
    await writeFile(object, '123456789');
    const all = [...kept.map(({ id }) => id), orphan].sort();

    // A day has to pass before it counts as left behind.
    await utimes(object, new Date(0), new Date(0));
    const dry = await reconcile();
    expect(dry.code).toBe(1);
    expect(dry.output).toMatch(new RegExp(`unknown +${orphan}/ +1 object.*9 bytes.*--apply removes it`));
    expect(dry.output).toMatch(new RegExp(`missing +${lost.id}/original .*Restore it`));
    expect(await stored()).toEqual(all);

    const applied = await reconcile('--apply');
    expect(applied.output).toMatch(new RegExp(`unknown +${orphan}/ .*: removed`));
    expect(await stored()).toEqual(kept.map(({ id }) => id).sort());
    expect(await query(server.databaseUrl, 'select id from media_assets')).toHaveLength(4);
    // The lost original is still lost.
    expect(applied.code).toBe(1);
  }, 120_000);

  test('does not empty the storage of another database', async () => {
    await query(server.databaseUrl, 'delete from media_assets');
    const before = await stored();
    const { code, output } = await reconcile('--apply', '--min-age-seconds', '0');
    expect(code).toBe(1);
    expect(output).toMatch(/Is it the right one\?/);
    expect(await stored()).toEqual(before);
  }, 60_000);

  test('refuses what it does not know in a sentence', async () => {
    const wrong = await reconcile('--aply');
    expect(wrong.output).toMatch(/--aply/);
    expect(wrong.output).not.toMatch(/at .*:\d+:\d+/);
    expect(wrong.code).toBe(1);
  }, 60_000);
});
