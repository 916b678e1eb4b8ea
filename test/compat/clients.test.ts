import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as apolloClient from '../../examples/apollo-client.ts';
import * as apolloLink from '../../examples/apollo-link.ts';
import * as graphqlRequest from '../../examples/graphql-request.ts';
import * as openapiFetch from '../../examples/openapi-fetch.ts';
import * as sdk from '../../examples/sdk.ts';
import * as urql from '../../examples/urql.ts';
import * as urqlExchange from '../../examples/urql-exchange.ts';
import { sample } from '../support/media/files.ts';
import { jpeg } from '../support/media/pictures.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

interface Shown {
  readonly id: string;
  readonly filename: string;
  readonly title: string | null;
  readonly url: string;
}

/** What every example shows. */
interface Example {
  connect(server: { url: string; token: string }): {
    uploadImage(file: File, title?: string): Promise<Shown>;
    uploadVideo(file: File): Promise<Shown>;
    listAll(first: number): Promise<string[]>;
    retitle(id: string, title: string): Promise<Shown>;
    remove(id: string): Promise<void>;
  };
  reasonOf(error: unknown): { code: unknown; message: string };
}

const examples: [string, Example][] = [
  ['the SDK', sdk],
  ['Apollo Client with the SDK’s link', apolloLink],
  ['urql with the SDK’s exchange', urqlExchange],
  ['Apollo Client with apollo-upload-client', apolloClient],
  ['urql', urql],
  ['graphql-request', graphqlRequest],
  ['openapi-fetch', openapiFetch],
];

const imageLimitBytes = 100_000;

describe.each(examples)('%s', (name, { connect, reasonOf }) => {
  let server: TestServer;
  let client: ReturnType<Example['connect']>;
  let photo: Buffer;
  let clip: Buffer;

  beforeAll(async () => {
    server = await startTestServer({ MAX_IMAGE_BYTES: String(imageLimitBytes) });
    client = connect({ url: server.url, token: await tokenOf(`ada, by ${name}`) });
    photo = await jpeg({ width: 48, height: 32 });
    clip = await sample('faststart.mp4');
  });

  afterAll(() => server.close());

  const reasonFor = async (attempt: Promise<unknown>): Promise<{ code: unknown; message: string }> => {
    const outcome = await attempt.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (outcome === undefined) throw new Error('It was not refused');
    return reasonOf(outcome.error);
  };

  test('uploads an image and a video, whose links give back the same bytes', async () => {
    const image = await client.uploadImage(fileOf(photo, 'first.jpg'), 'At the sea');
    expect(image).toMatchObject({ filename: 'first.jpg', title: 'At the sea' });
    const video = await client.uploadVideo(fileOf(clip, 'second.mp4'));
    for (const [{ url }, bytes] of [
      [image, photo],
      [video, clip],
    ] as const) {
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  test('lists page after page as one list, newest first', async () => {
    const names = ['first.jpg', 'second.mp4'];
    for (const number of [3, 4, 5, 6, 7]) {
      names.push(`${number}.jpg`);
      await client.uploadImage(fileOf(photo, `${number}.jpg`));
    }
    expect(await client.listAll(2)).toEqual(names.toReversed());
  });

  test('changes a title, and deletes', async () => {
    const { id } = await client.uploadImage(fileOf(photo, 'short-lived.jpg'));
    expect(await client.retitle(id, 'At the lake')).toMatchObject({ id, title: 'At the lake' });
    expect(await client.listAll(100)).toContain('short-lived.jpg');
    await client.remove(id);
    expect(await client.listAll(100)).not.toContain('short-lived.jpg');
    expect(await reasonFor(client.remove(id))).toEqual({ code: 'NOT_FOUND', message: expect.any(String) });
  });

  test('is told why a file is refused', async () => {
    const asImage = await reasonFor(client.uploadImage(fileOf(clip, 'clip.mp4')));
    expect(asImage).toEqual({ code: 'UNSUPPORTED_MEDIA_TYPE', message: expect.stringMatching(/video\/mp4/) });
    const text = await reasonFor(client.uploadImage(fileOf(Buffer.from('words '.repeat(1000)), 'words.jpg')));
    expect(text.code).toBe('UNSUPPORTED_MEDIA_TYPE');
    const torn = await reasonFor(client.uploadImage(fileOf(photo.subarray(0, photo.length - 200), 'torn.jpg')));
    expect(torn.code).toBe('INVALID_MEDIA');
    const long = await reasonFor(client.uploadImage(fileOf(Buffer.concat([photo, Buffer.alloc(imageLimitBytes)]), 'long.jpg')));
    expect(long).toEqual({ code: 'FILE_TOO_LARGE', message: expect.stringMatching(/100[,. ]?000/) });
  });

  test('is told that its token is not good', async () => {
    const stranger = connect({ url: server.url, token: 'none' });
    expect(await reasonFor(stranger.listAll(10))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await reasonFor(stranger.uploadImage(fileOf(photo, 'a.jpg')))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

/** As a browser makes it out of a chosen file; the type is a guess by the name. */
function fileOf(bytes: Buffer, name: string): File {
  return new File([new Uint8Array(bytes)], name, { type: name.endsWith('.mp4') ? 'video/mp4' : 'image/jpeg' });
}
