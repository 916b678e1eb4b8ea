import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  DeleteMediaDocument,
  MediaDocument,
  MyMediaDocument,
  MyUsageDocument,
  TypedDocumentString,
  UpdateMediaDocument,
  UploadImageDocument,
  UploadVideoDocument,
} from '../../src/client/generated.ts';
import { RequestError, request } from '../../src/client/request.ts';
import { type GraphqlServer, startGraphqlServer } from '../support/graphql-server.ts';
import { mp4Of, pngOf } from '../support/memory.ts';

let server: GraphqlServer;

beforeAll(async () => {
  server = await startGraphqlServer({ maxImageBytes: 100_000 });
});

afterAll(() => server.close());

const ada = { headers: { authorization: 'Bearer ada' } };
const fileOf = (bytes: Buffer, name: string) => new File([new Uint8Array(bytes)], name);

describe('the client', () => {
  test('runs every operation there is', async () => {
    const { uploadImage } = await request(
      server.url,
      UploadImageDocument,
      { file: fileOf(pngOf(1000), 'Köln.png'), tags: ['x'] },
      ada,
    );
    expect(uploadImage).toMatchObject({
      __typename: 'ImageAsset',
      filename: 'Köln.png',
      size: 1000,
      width: 3,
      height: 2,
      tags: ['x'],
      animated: false,
    });
    const { uploadVideo } = await request(
      server.url,
      UploadVideoDocument,
      { file: new Blob([new Uint8Array(mp4Of(2000))]) },
      ada,
    );
    expect(uploadVideo).toMatchObject({
      __typename: 'VideoAsset',
      filename: 'blob',
      size: 2000,
      duration: 1.5,
      videoCodec: 'avc',
      audioCodec: null,
    });
    const { id } = uploadImage;
    const { updateMedia } = await request(server.url, UpdateMediaDocument, { id, input: { title: 'New', tags: null } }, ada);
    expect(updateMedia).toMatchObject({ title: 'New', tags: [] });
    expect((await request(server.url, MediaDocument, { id }, ada)).media).toEqual(updateMedia);
    const { myMedia } = await request(server.url, MyMediaDocument, { first: 1 }, ada);
    expect(myMedia).toMatchObject({ totalCount: 2, edges: [{ node: { id: uploadVideo.id } }], pageInfo: { hasNextPage: true } });
    expect((await request(server.url, DeleteMediaDocument, { id }, ada)).deleteMedia).toEqual({ id, purged: true });
    expect((await request(server.url, MyUsageDocument, {}, ada)).myUsage).toEqual({ count: 1, bytes: 2000, quotaBytes: null });
  });

  test('sends files out of any depth of the variables, in their order', async () => {
    const query =
      'mutation ($a: Upload!, $b: Upload!) { a: uploadImage(file: $a) { filename } b: uploadImage(file: $b) { filename } }';
    const document = new TypedDocumentString<unknown, { b: File; a: File; more: { files: File[] } }>(query);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => fileOf(pngOf(500), name)) as [File, File, File];
    expect(await request(server.url, document, { a, b, more: { files: [c] } }, ada)).toEqual({
      a: { filename: 'a' },
      b: { filename: 'b' },
    });
  });

  test('throws what the server refuses, with its code', async () => {
    const tooLarge = request(server.url, UploadImageDocument, { file: fileOf(pngOf(100_001), 'a.png') }, ada);
    await expect(tooLarge).rejects.toThrow(RequestError);
    await expect(tooLarge).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      status: 200,
      message: expect.stringContaining('100000 bytes'),
    });
    await expect(request(server.url, MyUsageDocument, {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
  });

  test('says so when what answers is not GraphQL', async () => {
    const elsewhere = request(`${server.url}/playground/main.js`, MyUsageDocument, {}, ada);
    await expect(elsewhere).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR', status: 404 });
  });

  test('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('Never mind'));
    await expect(request(server.url, MyUsageDocument, {}, { ...ada, signal })).rejects.toThrow('Never mind');
  });
});
