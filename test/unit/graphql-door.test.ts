import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MediakeepError } from '../../src/errors.ts';
import {
  answerOf,
  type GraphqlServer,
  heard,
  operationParts,
  post,
  postForm,
  send,
  startGraphqlServer,
} from '../support/graphql-server.ts';
import { exchange } from '../support/http.ts';
import { pngOf } from '../support/memory.ts';

let server: GraphqlServer;

beforeAll(async () => {
  server = await startGraphqlServer({ userQuotaBytes: 10_000_000 }, 'a-token');
});

afterAll(() => server.close());

afterEach(async () => {
  await server.library.sweep();
  for (const id of server.store.rows.keys()) await server.library.remove('ada', id);
  server.store.counts = 0;
  server.errors.length = 0;
});

const uploadImage =
  'mutation ($file: Upload!, $tags: [String!]) { uploadImage(file: $file, title: " A title ", tags: $tags) { id } }';

async function upload(filename: string, tags: string[] = []): Promise<string> {
  const parts = operationParts(uploadImage, { file: null, tags }, { 0: ['variables.file'] });
  const { data } = await postForm(server, [...parts, { name: '0', filename, value: pngOf(1000) }]);
  return data.uploadImage.id;
}

function get(query: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}?query=${encodeURIComponent(query)}`, { headers });
}

const ada = { authorization: 'Bearer ada' };

describe('an asset', () => {
  test('shows every field of the contract', async () => {
    const id = await upload('a.png', ['one', 'two']);
    const fields =
      'kind status filename mimeType size sha256 width height title altText tags url createdAt updatedAt ... on ImageAsset { animated }';
    const { data } = await post(server, `query ($id: ID!) { media(id: $id) { __typename id ${fields} } }`, { id });
    expect(data.media).toEqual({
      __typename: 'ImageAsset',
      id,
      kind: 'IMAGE',
      status: 'READY',
      filename: 'a.png',
      mimeType: 'image/png',
      size: 1000,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      width: 3,
      height: 2,
      title: 'A title',
      altText: null,
      tags: ['one', 'two'],
      url: expect.stringMatching(new RegExp(`^http://media\\.test/media/${id}/original\\?expires=\\d+&signature=`)),
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      animated: false,
    });
  });

  test('has links that live as long as asked, an hour when nobody asks', async () => {
    const id = await upload('a.png');
    const { data } = await post(
      server,
      `{ media(id: "${id}") { hour: url null: url(expiresIn: null) week: url(expiresIn: 604800) } }`,
    );
    const life = (url: string) => Number(new URL(url).searchParams.get('expires')) - Date.now() / 1000;
    expect(life(data.media.hour)).toBeGreaterThan(3598);
    expect(life(data.media.hour)).toBeLessThan(3600 * 1.25 + 2);
    expect(data.media.null).toBe(data.media.hour);
    expect(life(data.media.week)).toBeGreaterThan(604_798);
  });

  test.each([0, -1, 604_801])('has no link of %s seconds', async (expiresIn) => {
    const id = await upload('a.png');
    const { errors } = await post(server, `{ media(id: "${id}") { url(expiresIn: ${expiresIn}) } }`);
    expect(errors[0]).toMatchObject({ path: ['media', 'url'], extensions: { code: 'BAD_USER_INPUT' } });
  });

  test('changes where the input says so: absent stays, null clears', async () => {
    const id = await upload('a.png', ['x']);
    const change = async (input: unknown) => {
      const query =
        'mutation ($id: ID!, $input: UpdateMediaInput!) { updateMedia(id: $id, input: $input) { title altText tags } }';
      return (await post(server, query, { id, input })).data.updateMedia;
    };
    expect(await change({ altText: 'What it shows' })).toEqual({ title: 'A title', altText: 'What it shows', tags: ['x'] });
    expect(await change({ title: null, tags: ['y', 'y', 'z'] })).toEqual({
      title: null,
      altText: 'What it shows',
      tags: ['y', 'z'],
    });
    expect(await change({ altText: null, tags: null })).toEqual({ title: null, altText: null, tags: [] });
    expect(await change({})).toEqual({ title: null, altText: null, tags: [] });
  });

  test('is gone after its deletion', async () => {
    const id = await upload('a.png');
    const deletion = `mutation { deleteMedia(id: "${id}") { id purged } }`;
    expect((await post(server, deletion)).data).toEqual({ deleteMedia: { id, purged: true } });
    expect((await post(server, deletion)).errors[0]?.extensions.code).toBe('NOT_FOUND');
    expect((await post(server, `{ media(id: "${id}") { id } }`)).data).toEqual({ media: null });
  });

  test('is as absent for others as one that does not exist', async () => {
    const id = await upload('a.png');
    const bob = { authorization: 'Bearer bob' };
    const [theirs, none] = await Promise.all(
      [id, id.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))].map(async (each) => [
        await post(server, `{ media(id: "${each}") { id } }`, {}, bob),
        await post(server, `mutation { updateMedia(id: "${each}", input: {}) { id } }`, {}, bob),
        await post(server, `mutation { deleteMedia(id: "${each}") { id } }`, {}, bob),
      ]),
    );
    expect(theirs?.map(({ status, text }) => ({ status, text }))).toEqual(none?.map(({ status, text }) => ({ status, text })));
    expect((await post(server, `{ media(id: "${id}") { id } }`)).data).toEqual({ media: { id } });
  });
});

describe('a list', () => {
  test('goes from page to page, newest first', async () => {
    const ids = [await upload('1.png'), await upload('2.png'), await upload('3.png')].reverse();
    const query =
      'query ($after: String) { myMedia(first: 2, after: $after) { totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }';
    const first = (await post(server, query)).data.myMedia;
    expect(first.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual(ids.slice(0, 2));
    expect(first.totalCount).toBe(3);
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: first.edges[0].cursor,
      endCursor: first.edges[1].cursor,
    });
    const second = (await post(server, query, { after: first.pageInfo.endCursor })).data.myMedia;
    expect(second.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual(ids.slice(2));
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });

  test('is counted only when somebody asks', async () => {
    await post(server, '{ myMedia { edges { cursor } pageInfo { endCursor } } }');
    expect(server.store.counts).toBe(0);
    await post(server, '{ myMedia { totalCount } }');
    expect(server.store.counts).toBe(1);
  });

  test('filters, and has null cursors when it is empty', async () => {
    const id = await upload('100%_sure.png', ['x']);
    const ids = async (filter: string) =>
      (await post(server, `{ myMedia(${filter}) { edges { node { id } } } }`)).data.myMedia.edges.map(
        (edge: { node: { id: string } }) => edge.node.id,
      );
    for (const filter of [
      'search: "%_S"',
      'kind: IMAGE',
      'status: READY',
      'tag: "x"',
      'first: null, after: null, kind: null, tag: null',
    ]) {
      expect(await ids(filter)).toEqual([id]);
    }
    for (const filter of ['search: "%%"', 'kind: VIDEO', 'status: FAILED', 'tag: "X"']) expect(await ids(filter)).toEqual([]);
    const { data } = await post(server, '{ myMedia(kind: VIDEO) { pageInfo { startCursor endCursor } } }');
    expect(data.myMedia.pageInfo).toEqual({ startCursor: null, endCursor: null });
  });

  test.each([
    'first: 0',
    'first: 101',
    'first: -1',
    'after: "x"',
    'after: ""',
    String.raw`search: "\u0000"`,
    String.raw`tag: "\uD800"`,
  ])('refuses %s', async (filter) => {
    const { errors } = await post(server, `{ myMedia(${filter}) { totalCount } }`);
    expect(errors.map(({ extensions }) => extensions.code)).toEqual([
      filter.includes('uD800') ? 'GRAPHQL_PARSE_FAILED' : 'BAD_USER_INPUT',
    ]);
  });

  test('refuses half a surrogate pair in a variable', async () => {
    const body = '{"query":"query ($tag: String) { myMedia(tag: $tag) { totalCount } }","variables":{"tag":"\\ud800"}}';
    const { errors } = await send(server.url, body, { ...ada, 'content-type': 'application/json' });
    expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('usage says how much there is, and how much may be', async () => {
    await upload('a.png');
    expect((await post(server, '{ myUsage { count bytes quotaBytes } }')).data.myUsage).toEqual({
      count: 1,
      bytes: 1000,
      quotaBytes: 10_000_000,
    });
  });
});

describe('who is not signed in', () => {
  test.each([
    '{ myMedia { totalCount } }',
    '{ media(id: "x") { id } }',
    '{ myUsage { count } }',
    'mutation { deleteMedia(id: "x") { id } }',
    'mutation { updateMedia(id: "x", input: {}) { id } }',
  ])('gets 401 for %s', async (query) => {
    for (const headers of [{ authorization: '' }, { authorization: 'Bearer ???' }]) {
      const answer = await post(server, query, {}, headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(answer.errors[0]).toMatchObject({ message: 'Please sign in first.', extensions: { code: 'UNAUTHENTICATED' } });
    }
  });

  test.each(['application/graphql-response+json', 'application/json'])(
    'is told so as %s, where that is what the client reads',
    async (accept) => {
      const body = new FormData();
      const answer = await fetch(server.url, { method: 'POST', headers: { accept, 'apollo-require-preflight': 'true' }, body });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    },
  );

  test('may read the schema', async () => {
    const { status, data } = await post(server, '{ __schema { queryType { name } } __typename }', {}, { authorization: '' });
    expect({ status, data }).toEqual({ status: 200, data: { __schema: { queryType: { name: 'Query' } }, __typename: 'Query' } });
  });
});

describe('HTTP', () => {
  test('GET runs queries, as urql sends them', async () => {
    const answer = await answerOf(
      await get('{ myUsage { count } }', { ...ada, accept: 'application/graphql-response+json, application/json' }),
    );
    expect({ status: answer.status, data: answer.data }).toEqual({ status: 200, data: { myUsage: { count: 0 } } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('GET never runs a mutation', async () => {
    const id = await upload('a.png');
    const { status, headers } = await get(`mutation { deleteMedia(id: "${id}") { id } }`, ada);
    expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
    expect(server.store.rows.get(id)?.state).toBe('READY');
  });

  test.each([
    ['GET', undefined],
    ['POST', 'text/plain'],
    ['POST', 'application/x-www-form-urlencoded'],
    ['POST', 'multipart/form-data; boundary=x'],
    ['POST', 'TEXT/PLAIN;charset=utf-8'],
  ])('a %s that any site could send (%s) is refused, and told why', async (method, type) => {
    const url = method === 'GET' ? `${server.url}?query={__typename}` : server.url;
    const headers = type === undefined ? {} : { 'content-type': type };
    const answer = await answerOf(
      await fetch(url, { method, headers, ...(method === 'POST' && { body: '{"query":"{__typename}"}' }) }),
    );
    expect({ status: answer.status, code: answer.errors[0]?.extensions.code }).toEqual({ status: 400, code: 'BAD_USER_INPUT' });
    for (const name of ['Authorization', 'Apollo-Require-Preflight', 'X-Apollo-Operation-Name'])
      expect(answer.errors[0]?.message).toContain(name);
  });

  test.each(['authorization', 'apollo-require-preflight', 'x-apollo-operation-name'])('one that has %s is not', async (name) => {
    const answer = await answerOf(await get('{ __typename }', { [name]: 'x' }));
    expect({ status: answer.status, data: answer.data }).toEqual({ status: 200, data: { __typename: 'Query' } });
  });

  test('a list of operations is refused', async () => {
    const { status, errors } = await send(server.url, '[{"query":"{__typename}"}]', { 'content-type': 'application/json' });
    expect({ status, code: errors[0]?.extensions.code }).toEqual({ status: 400, code: 'BAD_REQUEST' });
  });

  test.each([
    ['no JSON', '{"query":'],
    ['nothing', ''],
    ['a body past 256 KiB', JSON.stringify({ query: ' '.repeat(300_000) })],
  ])('%s is refused', async (_, body) => {
    const response = await fetch(server.url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    const { status, errors } = await answerOf(response);
    expect({ status, code: errors[0]?.extensions.code }).toEqual({ status: 400, code: 'BAD_USER_INPUT' });
  });

  test('a Host that is none is refused', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: [::\r\nauthorization: Bearer ada\r\n\r\n');
    expect(await heard(socket)).toContain('"code":"BAD_USER_INPUT"');
    socket.destroy();
  });
});

describe('failures', () => {
  test('arguments that do not fit are BAD_USER_INPUT, wherever that is noticed', async () => {
    const calls: [string, unknown][] = [
      ['query ($first: Int) { myMedia(first: $first) { totalCount } }', { first: 'many' }],
      ['query ($id: ID = "x") { media(id: $id) { id } }', { id: null }],
      ['mutation ($input: UpdateMediaInput!) { updateMedia(id: "x", input: $input) { id } }', { input: { tags: [null] } }],
      ['mutation ($file: Upload!) { uploadImage(file: $file) { id } }', { file: 'text' }],
    ];
    for (const [query, variables] of calls) {
      const { errors } = await post(server, query, variables);
      expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'BAD_USER_INPUT' }]);
    }
  });

  test('GraphQL’s own codes pass', async () => {
    expect((await post(server, '{')).errors[0]?.extensions).toEqual({ code: 'GRAPHQL_PARSE_FAILED' });
    expect((await post(server, '{ nothing }')).errors[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
  });

  test('an operation of a kind that there is none of is the client’s fault', async () => {
    const { status, errors } = await post(server, 'subscription { mediaChanged { id } }');
    expect({ status, errors: errors.map(({ extensions }) => extensions) }).toEqual({
      status: 400,
      errors: [{ code: 'GRAPHQL_VALIDATION_FAILED' }],
    });
    expect(server.errors).toEqual([]);
  });

  test('of the storage are told as they are, and logged', async () => {
    server.storage.failing = true;
    const parts = operationParts(uploadImage, { file: null }, { 0: ['variables.file'] });
    const { errors } = await postForm(server, [...parts, { name: '0', filename: 'a.png', value: pngOf(1000) }]);
    server.storage.failing = false;
    expect(errors[0]).toMatchObject({
      message: 'The storage does not answer.',
      path: ['uploadImage'],
      extensions: { code: 'STORAGE_UNAVAILABLE' },
    });
    expect(server.errors).toEqual([{ err: expect.any(MediakeepError), requestId: expect.any(String), path: ['uploadImage'] }]);
  });

  test('with a wait say how long', async () => {
    const find = server.store.find;
    server.store.find = async () => {
      throw new MediakeepError('OVERLOADED', 'Too much at once.', { retryAfterSeconds: 7 });
    };
    const { headers, errors } = await post(server, '{ media(id: "018f0000-0000-7000-8000-000000000000") { id } }');
    server.store.find = find;
    expect({ wait: headers.get('retry-after'), extensions: errors[0]?.extensions }).toEqual({
      wait: '7',
      extensions: { code: 'OVERLOADED', retryAfter: 7 },
    });
  });

  test('nobody foresaw are hidden, and logged once', async () => {
    const find = server.store.find;
    server.store.find = async () => {
      throw new Error('select * from secrets at /home/x');
    };
    const { status, text, errors } = await post(server, '{ media(id: "018f0000-0000-7000-8000-000000000000") { id } }');
    server.store.find = find;
    expect(status).toBe(200);
    expect(errors[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR' });
    expect(text).not.toMatch(/secrets|home|stack/);
    expect(server.errors).toEqual([
      {
        err: expect.objectContaining({ message: 'select * from secrets at /home/x' }),
        requestId: expect.any(String),
        path: ['media'],
      },
    ]);
  });
});

describe('the playground', () => {
  const page = () => fetch(server.url, { headers: { accept: 'text/html,application/xhtml+xml' } });

  test('is what a browser gets, signed in for development', async () => {
    const response = await page();
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain('Bearer a-token');
    expect(html).toContain('apollo-require-preflight');
    expect(html).toContain('uploadImage(file: $file');
  });

  test('sends no token along for a name that only leads here', async () => {
    const head = ['GET /graphql HTTP/1.1', 'Host: evil.example', 'Accept: text/html', 'Connection: close', '', ''];
    const answer = await exchange(server.port, head.join('\r\n'));
    expect(answer).toContain('apollo-require-preflight');
    expect(answer).not.toContain('Bearer a-token');
  });

  test('may load nothing from elsewhere, and runs no script but its own', async () => {
    const response = await page();
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none'; script-src 'self' 'sha256-[^']+'/);
    expect(policy).not.toMatch(/https?:|\*/);
    const addresses = [...(await response.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    expect(addresses.length).toBeGreaterThan(3);
    for (const address of addresses.filter((each) => !each.endsWith('favicon.ico') && !each.endsWith('/'))) {
      const asset = await fetch(new URL(address, `${server.url}/playground/`));
      expect({ address, status: asset.status, cached: asset.headers.get('cache-control') }).toEqual({
        address,
        status: 200,
        cached: 'public, max-age=3600',
      });
      await asset.arrayBuffer();
    }
  });

  test('serves no file outside its folder', async () => {
    expect((await fetch(`${server.url}/playground/..%2f..%2fpackage.json`)).status).toBeGreaterThanOrEqual(400);
  });
});
