import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createClient,
  type MediakeepClient,
  MediakeepError,
  MyUsageDocument,
  TypedDocumentString,
  UploadImageDocument,
} from '../../src/client/index.ts';
import { type GraphqlServer, startGraphqlServer } from '../support/graphql-server.ts';
import { mp4Of, pngOf } from '../support/memory.ts';

let server: GraphqlServer;
let ada: MediakeepClient;

beforeAll(async () => {
  server = await startGraphqlServer({ maxImageBytes: 100_000 });
  ada = createClient({ url: server.url.replace('/graphql', '/'), token: 'ada' });
});

afterAll(() => server.close());

const fileOf = (bytes: Buffer, name: string, type = '') => new File([new Uint8Array(bytes)], name, { type });

describe('the client', () => {
  test('does everything there is', async () => {
    const image = await ada.upload(fileOf(pngOf(1000), 'Köln "1".png'), { tags: ['x'] });
    expect(image).toMatchObject({ kind: 'IMAGE', filename: 'Köln "1".png', size: 1000, width: 3, height: 2, tags: ['x'] });
    const video = await ada.upload(fileOf(mp4Of(2000), 'a.bin', 'video/mp4'), { filename: 'b.mp4', title: 'Waves' });
    expect(video).toMatchObject({ kind: 'VIDEO', filename: 'b.mp4', title: 'Waves', duration: 1.5, audioCodec: null });
    const { id } = image;
    const updated = await ada.update(id, { title: 'New', tags: null });
    expect(updated).toMatchObject({ id, title: 'New', tags: [] });
    expect(await ada.media(id)).toEqual(updated);
    expect(await ada.page({ first: 1 })).toEqual({ items: [video], totalCount: 2, nextCursor: expect.any(String) });
    expect(await ada.delete(id)).toEqual({ id, purged: true });
    expect(await ada.media(id)).toBeNull();
    expect(await ada.usage()).toEqual({ count: 1, bytes: 2000, quotaBytes: null });
    await ada.delete(video.id);
  });

  test('walks a list from page to page, anew each time', async () => {
    for (const name of ['1.png', '2.png', '3.png', '4.png', '5.png']) await ada.upload(fileOf(pngOf(500), name));
    const list = ada.list({ kind: 'IMAGE', pageSize: 2 });
    for (const _time of [1, 2]) {
      const names: string[] = [];
      for await (const { filename } of list) names.push(filename);
      expect(names).toEqual(['5.png', '4.png', '3.png', '2.png', '1.png']);
    }
    const sizes: number[] = [];
    for await (const { items, totalCount } of list.pages()) sizes.push(items.length, totalCount);
    expect(sizes).toEqual([2, 5, 2, 5, 1, 5]);
    for await (const { id } of list) await ada.delete(id);
  });

  test('sends files out of any depth of the variables, in their order', async () => {
    const query =
      'mutation ($a: Upload!, $b: Upload!) { a: uploadImage(file: $a) { filename } b: uploadImage(file: $b) { filename } }';
    const document = new TypedDocumentString<unknown, { b: File; a: File; more: { files: File[] } }>(query);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => fileOf(pngOf(500), name)) as [File, File, File];
    expect(await ada.request(document, { a, b, more: { files: [c] } })).toEqual({ a: { filename: 'a' }, b: { filename: 'b' } });
    for await (const { id } of ada.list()) await ada.delete(id);
  });

  test('throws what the server refuses, with its code', async () => {
    const tooLarge = ada.request(UploadImageDocument, { file: fileOf(pngOf(100_001), 'a.png') });
    await expect(tooLarge).rejects.toThrow(MediakeepError);
    await expect(tooLarge).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      status: 200,
      message: expect.stringContaining('100000 bytes'),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const stranger = createClient({ url: server.url.replace('/graphql', ''), token: () => undefined });
    await expect(stranger.usage()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    await expect(stranger.upload(fileOf(pngOf(500), 'a.png'))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('does not send what neither type nor name calls an image or a video', async () => {
    for (const file of [fileOf(pngOf(10), 'a.txt'), fileOf(pngOf(10), 'a.png', 'text/plain'), new Blob(['a'])]) {
      await expect(ada.upload(file)).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE', status: 0 });
    }
    const asset = await ada.upload(fileOf(pngOf(500), 'a.txt'), { kind: 'IMAGE' });
    expect(asset.filename).toBe('a.txt');
    await ada.delete(asset.id);
  });

  test('says so when what answers is not GraphQL, or nobody does', async () => {
    const elsewhere = createClient({ url: `${server.url}/nothing`, retry: { attempts: 1 } });
    await expect(elsewhere.usage()).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
    const nowhere = createClient({ url: 'http://127.0.0.1:1', retry: { attempts: 2, minDelayMs: 1 } });
    await expect(nowhere.usage()).rejects.toMatchObject({ code: 'NETWORK', status: 0 });
    await expect(nowhere.upload(fileOf(pngOf(500), 'a.png'))).rejects.toMatchObject({ code: 'NETWORK' });
  });

  test('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('Never mind'));
    await expect(ada.usage({ signal })).rejects.toThrow('Never mind');
    await expect(ada.request(MyUsageDocument, {}, { signal })).rejects.toThrow('Never mind');
    await expect(ada.upload(fileOf(pngOf(500), 'a.png'), { signal })).rejects.toThrow('Never mind');
    expect((await ada.usage()).count).toBe(0);
  });
});

describe('trying again', () => {
  let answers: ((response: ServerResponse) => void)[] = [];
  let asked: number[] = [];
  const flaky = createServer((request, response) => {
    asked.push(performance.now());
    request.resume().on('end', () => (answers.shift() ?? answer(500, {}))(response));
  });
  const answer =
    (status: number, body: object, headers: Record<string, string> = {}) =>
    (response: ServerResponse): void =>
      void response.writeHead(status, headers).end(JSON.stringify(body));
  const usage = answer(200, { data: { myUsage: { count: 1, bytes: 1, quotaBytes: null } } });
  const refused = (code: string, retryAfter?: number) =>
    answer(200, { errors: [{ message: code, extensions: { code, retryAfter } }] });
  let client: MediakeepClient;

  beforeAll(async () => {
    await new Promise<void>((resolve) => flaky.listen(0, '127.0.0.1', resolve));
    const { port } = flaky.address() as AddressInfo;
    client = createClient({ url: `http://127.0.0.1:${port}`, retry: { attempts: 4, minDelayMs: 1, maxDelayMs: 2000 } });
  });

  afterEach(() => {
    answers = [];
    asked = [];
  });

  afterAll(() => {
    flaky.close();
    flaky.closeAllConnections();
  });

  test('a query is asked again after a broken connection, a busy server, a proxy that found nobody', async () => {
    answers = [(response) => response.destroy(), refused('OVERLOADED'), answer(502, {}), usage];
    expect((await client.usage()).count).toBe(1);
    expect(asked).toHaveLength(4);
  });

  test('not before the server says, and not at all when that is too long or there were enough tries', async () => {
    answers = [refused('RATE_LIMITED', 1), usage];
    await client.usage();
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(990);
    answers = [answer(429, {}, { 'retry-after': '60' })];
    await expect(client.usage()).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 60, status: 429 });
    asked = [];
    answers = Array.from({ length: 9 }, () => refused('STORAGE_UNAVAILABLE'));
    await expect(client.usage()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(asked).toHaveLength(4);
  });

  test('a mutation whose answer got lost is not sent again, because it may have been done', async () => {
    answers = [refused('OVERLOADED'), (response) => response.destroy()];
    await expect(client.delete('x')).rejects.toMatchObject({ code: 'NETWORK' });
    expect(asked).toHaveLength(2);
  });

  test('a fault of the server is not asked again', async () => {
    answers = [refused('INTERNAL_SERVER_ERROR')];
    await expect(client.usage()).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(asked).toHaveLength(1);
  });
});
