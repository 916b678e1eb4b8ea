import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../src/database/connection.ts';
import { beginUpload, restUpload } from '../support/cut-off.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import { overGraphql, overRest } from '../support/direct-door.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { acceptedFiles } from '../support/media.ts';
import { type Run, run } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { testSecret, tokenOf } from '../support/server.ts';
import { putBytes } from '../support/session-put.ts';

describe('the log of a server that tells everything, through successes, refusals and outages', () => {
  const linkSecret = 'the secret of the links, which is long enough';
  let database: TestDatabase;
  let dataDir: string;
  let server: Run;
  let url: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-secrets-'));
    server = run('main', {
      NODE_ENV: 'production',
      PORT: '0',
      LOG_LEVEL: 'trace',
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      AUTH_JWT_SECRET: testSecret,
      URL_SIGNING_SECRET: linkSecret,
      SWEEP_INTERVAL_SECONDS: '1',
    });
    url = await server.printed(/ready at (http:\S+)/);
  });

  afterAll(async () => {
    server.child.kill('SIGTERM');
    await server.ended;
    await rm(dataDir, { recursive: true, force: true });
    await database.drop();
  });

  test('holds no token, signature, secret, password, stack of a client or byte of a file', async () => {
    const token = await tokenOf('ada');
    const [sample] = await acceptedFiles();
    if (sample === undefined) throw new Error('There are no samples');
    const file = { kind: sample.kind, name: 'my-very-private-name.jpg', bytes: sample.bytes };
    const signatures: string[] = [];
    for (const door of [restClient({ url }, token), graphqlClient({ url }, token)]) {
      const asset = await door.upload(file, { title: 'my very private title' });
      const link = new URL(asset.url);
      signatures.push(link.searchParams.get('signature') ?? 'none');
      await fetch(link, { headers: { authorization: `Bearer ${token}`, cookie: 'session=my-cookie' } });
      link.searchParams.set('expires', '1');
      await fetch(link);
      await door.list({ search: 'my very private search' });
      await door.upload({ ...file, bytes: sample.bytes.subarray(0, 500) }).catch(() => undefined);
      await door.get('none');
      await door.update(asset.id, { title: '\u0000' }).catch(() => undefined);
    }
    for (const authorization of [`Bearer ${token}x`, `Bearer ${token.slice(0, -9)}`, 'Basic bXktcGFzc3dvcmQ=', token]) {
      await fetch(`${url}/api/v1/media/?access_token=${token}`, { headers: { authorization } });
      await fetch(`${url}/graphql?query={media(id:"1"){id}}&access_token=${token}`, { headers: { authorization } });
    }
    await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: `{"query":"{ my-query ${token}`,
    });
    for (const direct of [overRest({ url }, token), overGraphql({ url }, token)]) {
      const upload = await direct.create({ kind: 'IMAGE', filename: file.name, mimeType: 'image/jpeg', size: file.bytes.length });
      signatures.push(new URL(upload.url).searchParams.get('signature') ?? 'none');
      await putBytes(upload.url, file.bytes.subarray(0, 10), { range: 'bytes 0-9/*' });
      await putBytes(`${upload.url}x`, file.bytes);
      await direct.complete(upload.id).catch(() => undefined);
      await putBytes(upload.url, file.bytes);
      await direct.complete(upload.id);
    }
    const socket = await beginUpload({ url }, restUpload('video', token), 10_000);
    socket.write(Buffer.alloc(5000));
    await sleep(100);
    socket.destroy();

    // The storage goes away, then the database: the failures of both are told with their causes.
    await rename(join(dataDir, 'objects'), join(dataDir, 'away'));
    await restClient({ url }, token)
      .upload(file)
      .catch(() => undefined);
    await fetch(`${url}/readyz`);
    await rename(join(dataDir, 'away'), join(dataDir, 'objects'));
    await query(database.url, 'alter table media_assets rename to media_elsewhere');
    await restClient({ url }, token)
      .list()
      .catch(() => undefined);
    await graphqlClient({ url }, token)
      .upload(file)
      .catch(() => undefined);
    await query(database.url, 'alter table media_elsewhere rename to media_assets');
    await sleep(500);

    const log = server.output();
    expect(log.split('\n').filter((line) => /"level":50/.test(line)).length).toBeGreaterThan(2);
    const { password } = new URL(database.url);
    const secrets = {
      token,
      part: token.split('.')[2],
      testSecret,
      linkSecret,
      database: database.url,
      cookie: 'my-cookie',
      basic: 'bXktcGFzc3dvcmQ',
    };
    for (const [name, secret] of Object.entries({ ...secrets, ...(password && { password }) })) {
      expect({ name, isLogged: log.includes(secret ?? '') }).toEqual({ name, isLogged: false });
    }
    for (const signature of signatures) expect(log).not.toContain(signature);
    expect(log).not.toMatch(/my very private|my-very-private|my%20very|my\+very|my-query/);
  }, 60_000);
});
