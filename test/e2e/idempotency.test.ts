import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../support/database.ts';
import { acceptedFiles, type SampleFile } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

interface Answer {
  readonly id: string | undefined;
  readonly code: string | undefined;
  readonly status: number;
  readonly retryAfter: string | null;
}

type Upload = (server: TestServer, file: SampleFile, headers: Record<string, string>) => Promise<Answer>;

const overRest: Upload = async (server, { kind, name, bytes }, headers) => {
  const body = new FormData();
  body.append('file', new Blob([new Uint8Array(bytes)]), name);
  const response = await fetch(`${server.url}/api/v1/media/upload/${kind.toLowerCase()}`, { method: 'POST', headers, body });
  const { id, code } = (await response.json()) as Partial<Answer>;
  return { id, code, status: response.status, retryAfter: response.headers.get('retry-after') };
};

const overGraphql: Upload = async (server, { kind, name, bytes }, headers) => {
  const field = kind === 'IMAGE' ? 'uploadImage' : 'uploadVideo';
  const body = new FormData();
  const operation = { query: `mutation ($file: Upload!) { asset: ${field}(file: $file) { id } }`, variables: { file: null } };
  body.append('operations', JSON.stringify(operation));
  body.append('map', '{"0":["variables.file"]}');
  body.append('0', new Blob([new Uint8Array(bytes)]), name);
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
  const { data, errors } = (await response.json()) as {
    data?: { asset: { id: string } } | null;
    errors?: { extensions: { code: string } }[];
  };
  const code = errors?.[0]?.extensions.code;
  return { id: data?.asset.id, code, status: response.status, retryAfter: response.headers.get('retry-after') };
};

let server: TestServer;
let other: TestServer;
let image: SampleFile;
let video: SampleFile;
let count = 0;

/** A user and a key that no other test has. */
const fresh = async (): Promise<{ userId: string; key: string; headers: Record<string, string> }> => {
  count += 1;
  const userId = `user-${count}`;
  const key = `key-${count}`;
  return { userId, key, headers: { Authorization: `Bearer ${await tokenOf(userId)}`, 'Idempotency-Key': key } };
};

const rowsOf = (userId: string) => query(server.databaseUrl, `select id, status from media_assets where user_id = '${userId}'`);

beforeAll(async () => {
  server = await startTestServer();
  other = await startTestServer({ DATABASE_URL: server.databaseUrl, DATA_DIR: server.dataDir });
  const samples = await acceptedFiles();
  const first = (kind: string): SampleFile => {
    const found = samples.find((sample) => sample.kind === kind);
    if (found === undefined) throw new Error(`There is no sample ${kind}`);
    return found;
  };
  image = first('IMAGE');
  video = first('VIDEO');
});

afterAll(async () => {
  await other.close();
  await server.close();
});

describe.each([
  ['REST', overRest],
  ['GraphQL', overGraphql],
])('an upload with an Idempotency-Key over %s', (_door, upload) => {
  test.each(['IMAGE', 'VIDEO'])('sent again with the same bytes is the same %s, stored once', async (kind) => {
    const file = kind === 'IMAGE' ? image : video;
    const { userId, headers } = await fresh();
    const first = await upload(server, file, headers);
    expect(first.code).toBeUndefined();
    expect(await upload(other, file, headers)).toEqual(first);
    expect(await rowsOf(userId)).toEqual([{ id: first.id, status: 'READY' }]);
    const usage = `select asset_count, size_bytes::int, reserved_bytes::int from media_usage where user_id = '${userId}'`;
    expect(await query(server.databaseUrl, usage)).toEqual([
      { asset_count: 1, size_bytes: file.bytes.length, reserved_bytes: 0 },
    ]);
  });

  test('sent again with other bytes is IDEMPOTENCY_CONFLICT, whether they are fewer, more or just others', async () => {
    const { userId, headers } = await fresh();
    const { id } = await upload(server, image, headers);
    const last = Buffer.from(image.bytes);
    last.writeUInt8(last.readUInt8(last.length - 3) ^ 1, last.length - 3);
    for (const bytes of [image.bytes.subarray(0, -1), Buffer.concat([image.bytes, Buffer.alloc(200_000)]), last]) {
      expect(await upload(server, { ...image, bytes }, headers)).toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
        retryAfter: null,
      });
    }
    expect(await rowsOf(userId)).toEqual([{ id, status: 'READY' }]);
  });

  test('sent again for the other operation is IDEMPOTENCY_CONFLICT', async () => {
    const { headers } = await fresh();
    await upload(server, image, headers);
    expect(await upload(server, { ...image, kind: 'VIDEO' }, headers)).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });

  test('sent many times at once through two servers makes one asset; who comes too early is told to wait, and then gets it', async () => {
    const { userId, headers } = await fresh();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => upload(index % 2 === 0 ? server : other, video, headers)),
    );
    const ids = new Set(answers.filter(({ code }) => code === undefined).map(({ id }) => id));
    expect(ids.size).toBe(1);
    for (const { code, retryAfter } of answers.filter((answer) => answer.code !== undefined)) {
      expect({ code, retryAfter }).toEqual({ code: 'IDEMPOTENCY_CONFLICT', retryAfter: '2' });
    }
    expect([(await upload(other, video, headers)).id]).toEqual([...ids]);
    expect((await rowsOf(userId)).filter((row) => (row as { status: string }).status === 'READY')).toHaveLength(1);
  });

  test('that was refused leaves its key free', async () => {
    const { headers } = await fresh();
    const broken = { ...image, bytes: image.bytes.subarray(0, 300) };
    expect(await upload(server, broken, headers)).toMatchObject({ code: 'INVALID_MEDIA' });
    expect(await upload(server, image, headers)).toMatchObject({ code: undefined });
  });

  test("whose asset was deleted is a new upload; and one user's key says nothing to another", async () => {
    const { userId, key, headers } = await fresh();
    const { id } = await upload(server, image, headers);
    const stranger = { Authorization: `Bearer ${await tokenOf(`${userId}-stranger`)}`, 'Idempotency-Key': key };
    expect((await upload(server, video, stranger)).code).toBeUndefined();
    await restClient(server, await tokenOf(userId)).remove(id ?? '');
    const again = await upload(server, video, headers);
    expect(again.code).toBeUndefined();
    expect(again.id).not.toBe(id);
  });

  test('is forgotten after a day, and the asset stays', async () => {
    const { userId, headers } = await fresh();
    const { id } = await upload(server, image, headers);
    const age = (hours: number) =>
      query(server.databaseUrl, `update media_assets set created_at = now() - interval '${hours} hours' where id = '${id}'`);
    await age(23);
    expect((await upload(server, image, headers)).id).toBe(id);
    await age(25);
    const second = await upload(server, video, headers);
    expect(second.code).toBeUndefined();
    expect(await rowsOf(userId)).toHaveLength(2);
  });

  test('whose server died midway blocks a retry only until it has been silent for half a minute, and its quota is freed', async () => {
    const { userId, key, headers } = await fresh();
    const id = `018f0000-0000-7000-8000-${String(count).padStart(12, '0')}`;
    await query(
      server.databaseUrl,
      `insert into media_assets (id, user_id, kind, status, filename, storage_uri, mime_type, size_bytes, sha256, tags, created_at, updated_at,
         reserved_bytes, idempotency_key)
       values ('${id}', '${userId}', 'VIDEO', 'UPLOADING', 'a.mp4', 'disk:${id}/original', 'video/mp4', 0, '', '{}', now(), now(), 1000, '${key}')`,
    );
    await query(server.databaseUrl, `insert into media_usage values ('${userId}', 0, 0, 1000)`);
    expect(await upload(server, video, headers)).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', retryAfter: '2' });
    await query(server.databaseUrl, `update media_assets set alive_at = now() - interval '31 seconds' where id = '${id}'`);
    const { id: taken } = await upload(server, video, headers);
    expect(await rowsOf(userId)).toEqual(
      expect.arrayContaining([
        { id, status: 'DELETING' },
        { id: taken, status: 'READY' },
      ]),
    );
    const reserved = `select reserved_bytes::int from media_usage where user_id = '${userId}'`;
    expect(await query(server.databaseUrl, reserved)).toEqual([{ reserved_bytes: 0 }]);
  });

  test.each([
    ['with a space', 'two words'],
    ['that is empty', ''],
    ['of 256 characters', 'x'.repeat(256)],
  ])('%s is BAD_USER_INPUT', async (_what, key) => {
    const { headers } = await fresh();
    expect(await upload(server, image, { ...headers, 'Idempotency-Key': key })).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

test('one GraphQL request with two uploads makes two assets, and the same two when it is sent again', async () => {
  const { userId, headers } = await fresh();
  const send = async (): Promise<unknown> => {
    const body = new FormData();
    const text = 'mutation ($a: Upload!, $b: Upload!) { a: uploadImage(file: $a) { id } b: uploadVideo(file: $b) { id } }';
    body.append('operations', JSON.stringify({ query: text, variables: { a: null, b: null } }));
    body.append('map', '{"0":["variables.a"],"1":["variables.b"]}');
    body.append('0', new Blob([new Uint8Array(image.bytes)]), 'a.jpg');
    body.append('1', new Blob([new Uint8Array(video.bytes)]), 'b.mp4');
    return await (await fetch(`${server.url}/graphql`, { method: 'POST', headers, body })).json();
  };
  const first = await send();
  expect(first).toEqual({ data: { a: { id: expect.any(String) }, b: { id: expect.any(String) } } });
  expect(await send()).toEqual(first);
  expect(await rowsOf(userId)).toHaveLength(2);
});
