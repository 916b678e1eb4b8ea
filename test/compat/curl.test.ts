import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sample } from '../support/media/files.ts';
import { jpeg } from '../support/media/pictures.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

// npm and Node alone do not bring it; nearly every machine has it.
const missing = spawnSync('curl', ['--version']).error === undefined ? undefined : 'curl is not installed here';

describe(missing === undefined ? 'curl' : `curl (skipped: ${missing})`, () => {
  let server: TestServer;
  let folder: string;

  beforeAll(async () => {
    server = await startTestServer();
    folder = await mkdtemp(join(tmpdir(), 'mediakeep-curl-'));
    await writeFile(join(folder, 'photo.jpg'), await jpeg({ width: 48, height: 32 }));
    await writeFile(join(folder, 'clip.mp4'), await sample('faststart.mp4'));
  });

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  (missing === undefined ? test : test.skip)('the script uploads, lists, pages, changes, is refused, and deletes', async () => {
    const env = { PATH: process.env.PATH, MEDIAKEEP_URL: server.url, TOKEN: await tokenOf('ada') };
    const { stdout } = await promisify(execFile)('examples/curl.sh', [join(folder, 'photo.jpg'), join(folder, 'clip.mp4')], {
      env,
    });
    const lines = stdout.split('\n').map((line) => line.replace(/[0-9a-f-]{36}/, 'ID'));
    expect(lines.slice(0, 6)).toEqual([
      'uploaded ID',
      'uploaded ID',
      'listed clip.mp4',
      'listed photo.jpg',
      '"title":"At the lake"',
      expect.stringMatching(/^fetched \d{3,} bytes$/),
    ]);
    expect(JSON.parse(lines[6] ?? '')).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE', status: 415 });
    expect(lines.slice(7)).toEqual(['deleted ID', 'deleted ID', '']);
    expect(await server.storedFiles()).toEqual([]);
  });
});
