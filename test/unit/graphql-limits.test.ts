import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { type GraphqlServer, post, startGraphqlServer } from '../support/graphql-server.ts';

let server: GraphqlServer;

beforeAll(async () => {
  server = await startGraphqlServer();
});

afterAll(() => server.close());

const page = (fields: string, first = '100') => `{ myMedia(first: ${first}) { edges { node { ${fields} } } } }`;
const repeated = (times: number, write: (index: number) => string) =>
  Array.from({ length: times }, (_, index) => write(index)).join(' ');

describe('a query within its bounds runs', () => {
  test.each([
    ['introspection as GraphiQL sends it', getIntrospectionQuery()],
    [
      'introspection as Altair sends it',
      getIntrospectionQuery({
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
      }),
    ],
    [
      'a page of 100 with every field',
      page('id kind status filename mimeType size sha256 width height title altText tags url createdAt updatedAt __typename'),
    ],
    ['50 aliases', `{ ${repeated(50, (index) => `a${index}: myUsage { count }`)} }`],
    ['a page with a dozen links each', page(repeated(12, (index) => `u${index}: url(expiresIn: ${index + 1})`))],
  ])('%s', async (_, query) => {
    const { status, errors } = await post(server, query);
    expect({ status, errors }).toEqual({ status: 200, errors: [] });
  });
});

describe('a query beyond its bounds is refused before it runs, with the limit', () => {
  test.each([
    [
      'depth',
      `{ myMedia { ${'edges { node { '.repeat(5)} id ${'} }'.repeat(5)} } }`,
      'The query has 12 levels of fields; at most 10 are allowed.',
    ],
    [
      'aliases',
      `{ ${repeated(51, (index) => `a${index}: myUsage { count }`)} }`,
      'The query has 51 aliases; at most 50 are allowed.',
    ],
    [
      'directives',
      `{ myUsage { ${repeated(26, () => 'count @skip(if: false) @include(if: true)')} } }`,
      'The query has 52 directives; at most 50 are allowed.',
    ],
  ])('%s', async (_, query, message) => {
    const { status, errors } = await post(server, query);
    expect(status).toBe(400);
    expect(errors.map(({ message: text }) => text)).toContain(message);
    expect(errors[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('cost, with `first` counted at its most when it is a variable', async () => {
    const fields = 'id kind size title tags width height sha256 status mimeType altText filename createdAt updatedAt url';
    const query = `query ($first: Int) { ${repeated(12, (index) => `a${index}: myMedia(first: $first) { edges { node { ${fields} } } }`)} }`;
    const { errors } = await post(server, query, { first: 1 });
    expect(errors[0]?.message).toBe(
      'The query has 20412 fields to resolve, those of lists counted for each item; at most 20000 are allowed.',
    );
  });

  test('tokens', async () => {
    const { status, errors } = await post(server, `{ ${repeated(2100, () => 'myUsage { count }')} }`);
    expect({ status, code: errors[0]?.extensions.code }).toEqual({ status: 400, code: 'GRAPHQL_PARSE_FAILED' });
    expect(errors[0]?.message).toContain('2000 tokens');
  });

  test('fragments that spread each other twice, thirty deep, and in a circle, take no time', async () => {
    const deep = repeated(30, (index) => `fragment F${index} on MediaUsage { count ...F${index + 1} ...F${index + 1} }`);
    const started = performance.now();
    const doubling = await post(server, `{ myUsage { ...F0 } } ${deep} fragment F30 on MediaUsage { count }`);
    const circle = await post(server, '{ myUsage { ...A } } fragment A on MediaUsage { ...B } fragment B on MediaUsage { ...A }');
    expect(performance.now() - started).toBeLessThan(2000);
    expect(doubling.errors[0]?.message).toMatch(/^The query has \d+ fields to resolve/);
    expect(circle.errors[0]?.message).toBe('Cannot spread fragment "A" within itself via "B".');
  });

  test('an operation that uses one file variable twice, through a fragment too', async () => {
    const query =
      'mutation ($f: Upload!) { a: uploadImage(file: $f) { id } ...More } fragment More on Mutation { b: uploadVideo(file: $f) { id } }';
    expect((await post(server, query)).errors[0]?.message).toBe('The file $f can be used once: declare a variable for each use.');
  });
});
