import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, createRequest, fetchExchange, makeOperation } from '@urql/core';
import { pipe, subscribe } from 'wonka';
import * as apolloLink from '../../examples/apollo-link.ts';
import * as sdk from '../../examples/sdk.ts';
import * as urqlExchange from '../../examples/urql-exchange.ts';
import { mediakeepLink } from '../../src/client/apollo.ts';
import { createClient } from '../../src/client/index.ts';
import { mediakeepExchange } from '../../src/client/urql.ts';
import { query } from '../support/database.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { jpeg } from '../support/media/pictures.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

const examples = [
  ['the SDK', sdk],
  ['Apollo Client with the SDK’s link', apolloLink],
  ['urql with the SDK’s exchange', urqlExchange],
] as const;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await startTestServer();
  token = await tokenOf('ada');
});

afterEach(async () => {
  const client = createClient({ url: server.url, token });
  for await (const { id } of client.list()) await client.delete(id);
  expect(await server.storedFiles()).toEqual([]);
});

afterAll(() => server.close());

async function film(sizeBytes: number): Promise<File> {
  return new File(await (await bigMp4({ sizeBytes })).toArray(), 'film.mp4', { type: 'video/mp4' });
}

async function picture(): Promise<File> {
  return new File([new Uint8Array(await jpeg({ width: 48, height: 32 }))], 'a.jpg', { type: 'image/jpeg' });
}

/** What is left of an upload, once the server has noticed that it is over. */
async function leftOver(): Promise<{ bytes: number; files: number }> {
  const client = createClient({ url: server.url, token });
  const rows = () => query(server.databaseUrl, 'select id from media_assets');
  for (let patience = 100; patience > 0 && (await rows()).length > 0; patience -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { bytes: (await client.usage()).bytes, files: (await server.storedFiles()).length };
}

describe.each(examples)('%s', (_name, { connect }) => {
  test.each([
    ['a small file in one request', 300_000],
    ['a large file by a session', 20 * 1024 * 1024],
  ])('uploads %s, with progress from nothing to all', async (_what, sizeBytes) => {
    const percents: number[] = [];
    const asset = await connect({ url: server.url, token }).uploadWithProgress(await film(sizeBytes), (percent) =>
      percents.push(percent),
    );
    expect(asset).toMatchObject({ id: expect.any(String), duration: 1 });
    expect(percents.at(0)).toBe(0);
    expect(percents.at(-1)).toBe(100);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.length).toBeGreaterThan(3);
  });

  test.each([
    ['a small file', 1_000_000],
    ['a large file', 20 * 1024 * 1024],
  ])('cancels %s, and nothing is left', async (_what, sizeBytes) => {
    const stop = new AbortController();
    const upload = connect({ url: server.url, token }).uploadWithProgress(
      await film(sizeBytes),
      (percent) => percent > 40 && stop.abort(),
      stop.signal,
    );
    await expect(upload).rejects.toThrow(/abort/i);
    expect(await leftOver()).toEqual({ bytes: 0, files: 0 });
  });
});

describe('the link', () => {
  const linked = (options: { sessionThresholdBytes?: number } = {}) =>
    new ApolloClient({
      cache: new InMemoryCache({ possibleTypes: { MediaAsset: ['ImageAsset', 'VideoAsset'] } }),
      // Who signs in by a link of their own gives the SDK's no token.
      link: ApolloLink.from([
        new ApolloLink((operation, forward) => {
          operation.setContext({ headers: { Authorization: `Bearer ${token}` } });
          return forward(operation);
        }),
        mediakeepLink({ url: server.url, ...options }),
        new HttpLink({ uri: `${server.url}/graphql` }),
      ]),
    });
  const mutation = gql`
    mutation Add($file: Upload!, $title: String, $width: Int) {
      photo: uploadImage(file: $file, title: $title) { ...Facts rendition(width: $width) { width } }
    }
    fragment Facts on MediaAsset { id title tags }
  `;

  test.each([
    ['in one request', {}],
    ['by a session', { sessionThresholdBytes: 1 }],
  ])('answers with what was selected and nothing else, %s', async (_how, options) => {
    const client = linked(options);
    const { data } = await client.mutate({ mutation, variables: { file: await picture(), title: 'Sea', width: 64 } });
    expect(data).toEqual({
      photo: {
        __typename: 'ImageAsset',
        id: expect.any(String),
        title: 'Sea',
        tags: [],
        rendition: { __typename: 'Rendition', width: 48 },
      },
    });
    expect(Object.keys(client.cache.extract() as object)).toEqual([expect.stringMatching(/^ImageAsset:/), 'ROOT_MUTATION']);
  });

  test('ends an upload when whoever waits for it unsubscribes', async () => {
    const large = await film(20 * 1024 * 1024);
    const client = linked();
    const document = gql`mutation ($file: Upload!) { uploadVideo(file: $file) { id } }`;
    await new Promise<void>((resolve) => {
      const onProgress = ({ sentBytes }: { sentBytes: number }): void => {
        if (sentBytes < 9_000_000) return;
        subscription.unsubscribe();
        resolve();
      };
      const execution = ApolloLink.execute(
        client.link,
        { query: document, variables: { file: large }, context: { onProgress } },
        { client },
      );
      const subscription = execution.subscribe({});
    });
    expect(await leftOver()).toEqual({ bytes: 0, files: 0 });
  });

  test('sends two files of one mutation together', async () => {
    const two = gql`
      mutation ($a: Upload!, $b: Upload!) { a: uploadImage(file: $a) { filename } b: uploadImage(file: $b) { filename } }
    `;
    const file = await picture();
    const sent: number[] = [];
    const { data } = await linked({ sessionThresholdBytes: 1 }).mutate({
      mutation: two,
      variables: { a: file, b: file },
      context: { onProgress: ({ totalBytes }) => sent.push(totalBytes) },
    });
    expect(data).toMatchObject({ a: { filename: 'a.jpg' }, b: { filename: 'a.jpg' } });
    expect(sent[0]).toBe(2 * file.size);
  });
});

describe('the exchange', () => {
  test('ends an upload when its operation is torn down, which urql does not do by itself', async () => {
    const large = await film(20 * 1024 * 1024);
    const client = new Client({
      url: `${server.url}/graphql`,
      preferGetMethod: false,
      exchanges: [mediakeepExchange({ url: server.url }), fetchExchange],
      fetchOptions: { headers: { Authorization: `Bearer ${token}` } },
    });
    const mutation = createRequest('mutation ($file: Upload!) { uploadVideo(file: $file) { id } }', { file: large });
    await new Promise<void>((resolve) => {
      const onProgress = ({ sentBytes }: { sentBytes: number }): void => {
        if (sentBytes < 9_000_000) return;
        client.reexecuteOperation(makeOperation('teardown', operation));
        resolve();
      };
      const operation = client.createRequestOperation('mutation', mutation, { onProgress });
      pipe(
        client.executeRequestOperation(operation),
        subscribe(() => undefined),
      );
    });
    expect(await leftOver()).toEqual({ bytes: 0, files: 0 });
  });
});
