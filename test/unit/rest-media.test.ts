import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { MediaAsset, MediaKind } from '../../src/media/media-asset.ts';
import { restDoor } from '../../src/rest/door.ts';
import { authenticateByName, type ListeningServer, listening } from '../support/http.ts';
import { type MemoryLibrary, memoryLibrary, mp4Of, pngOf } from '../support/memory.ts';

let memory: MemoryLibrary;
let server: ListeningServer;

beforeEach(async () => {
  memory = memoryLibrary();
  const baseUrl = (): string => server.url;
  server = await listening({ doors: [restDoor({ library: memory.library, authenticate: authenticateByName, baseUrl })] });
});

afterEach(() => server.server.close({ graceSeconds: 0 }));

interface Page {
  items: Record<string, unknown>[];
  nextCursor: string | null;
  totalCount: number;
}

function call(path: string, init: RequestInit & { user?: string | undefined } = {}): Promise<Response> {
  const { user = 'anna', headers, ...rest } = init;
  const authorization = user === '' ? {} : { authorization: `Bearer ${user}` };
  return fetch(`${server.url}/api/v1/media${path}`, {
    redirect: 'manual',
    ...rest,
    headers: { ...authorization, ...(headers as object) },
  });
}

async function add(options: { kind?: MediaKind; title?: string; tags?: string[]; user?: string } = {}): Promise<MediaAsset> {
  const { kind = 'IMAGE', user = 'anna', title, tags } = options;
  const bytes = kind === 'IMAGE' ? pngOf(200) : mp4Of(200);
  const source = Readable.from([bytes], { objectMode: false });
  return await memory.library.upload(user, { kind, filename: 'picture', source, title, tags });
}

async function refusalOf(answer: Response): Promise<unknown> {
  return { status: answer.status, ...((await answer.json()) as object) };
}

const badInput = (detail: RegExp) => ({ status: 400, code: 'BAD_USER_INPUT', detail: expect.stringMatching(detail) as unknown });

test.each([
  ['GET', '/'],
  ['GET', '/x'],
  ['GET', '/x/content'],
  ['PATCH', '/x'],
  ['DELETE', '/x'],
  ['POST', '/upload/image'],
])('%s %s needs a user', async (method, path) => {
  const answer = await call(path, { method, user: '' });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  expect(await refusalOf(answer)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
});

describe('the list', () => {
  test('is walked by its links, newest first, with every filter kept', async () => {
    const titles = ['a 1', 'a 2', 'a 3', 'b', 'a 4', 'a 5'];
    for (const title of titles) await add({ title, tags: ['t&u'] });
    await add({ kind: 'VIDEO', title: 'a 6', tags: ['t&u'] });
    await add({ title: 'a of otto', user: 'otto' });
    const seen: unknown[] = [];
    let url: string | undefined =
      `${server.url}/api/v1/media?first=2&kind=IMAGE&status=READY&tag=${encodeURIComponent('t&u')}&search=A%20`;
    let pages = 0;
    while (url !== undefined) {
      const answer = await fetch(url, { headers: { authorization: 'Bearer anna' } });
      const page = (await answer.json()) as Page;
      seen.push(...page.items.map(({ title }) => title));
      expect(page.totalCount).toBe(5);
      url = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
      expect(page.nextCursor === null).toBe(url === undefined);
      if (url !== undefined) expect(new URL(url).searchParams.get('after')).toBe(page.nextCursor);
      pages += 1;
    }
    expect(seen).toEqual(['a 5', 'a 4', 'a 3', 'a 2', 'a 1']);
    expect(pages).toBe(3);
  });

  test('is the same with and without its trailing slash', async () => {
    await add();
    const [slash, bare] = await Promise.all([call('/'), call('')]);
    expect(await slash.json()).toEqual(await bare.json());
    expect(slash.headers.get('cache-control')).toBe('private, no-cache');
  });

  test('of nothing is empty', async () => {
    expect(await (await call('/')).json()).toEqual({ items: [], nextCursor: null, totalCount: 0 });
  });

  test('takes empty parameters for absent ones, and ignores unknown ones', async () => {
    await add();
    const answer = await call('/?first=&after=&kind=&status=&tag=&search=&utm_source=x');
    expect(((await answer.json()) as Page).totalCount).toBe(1);
  });

  test.each([
    ['first=0', /1 to 100/],
    ['first=101', /1 to 100/],
    ['first=-1', /1 to 100/],
    ['first=1.5', /whole number/],
    ['first=1e1', /whole number/],
    ['first=ten', /whole number/],
    ['first=99999999999999999999', /whole number/],
    ['first=1&first=2', /more than once/],
    ['kind=image', /IMAGE, VIDEO/],
    ['kind=AUDIO', /IMAGE, VIDEO/],
    ['kind=toString', /IMAGE, VIDEO/],
    ['status=DELETING', /PROCESSING, READY, FAILED/],
    ['after=nonsense', /cursor/],
    ['search=%00', /NUL/],
    ['tag=%00', /NUL/],
    [`search=${'x'.repeat(201)}`, /201 characters/],
  ])('refuses %s', async (query, detail) => {
    expect(await refusalOf(await call(`/?${query}`))).toMatchObject(badInput(detail));
  });
});

describe('one asset', () => {
  test('is given with a tag that spares the next answer', async () => {
    const { id } = await add({ title: 'x' });
    const answer = await call(`/${id}`);
    const asset = (await answer.json()) as Record<string, unknown>;
    expect(answer.headers.get('cache-control')).toBe('private, no-cache');
    expect(Object.keys(asset)).toEqual([
      'id',
      'kind',
      'status',
      'filename',
      'mimeType',
      'size',
      'sha256',
      'width',
      'height',
      'title',
      'altText',
      'tags',
      'url',
      'createdAt',
      'updatedAt',
      'animated',
      'hasAlpha',
      'placeholder',
      'dominantColor',
      'focus',
    ]);
    const etag = answer.headers.get('etag') ?? '';
    for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await call(`/${id}`, { headers: { 'if-none-match': condition } });
      expect(again.status).toBe(304);
      expect(again.headers.get('etag')).toBe(etag);
      expect(await again.text()).toBe('');
    }
    await call(`/${id}`, { method: 'PATCH', body: '{"title":"y"}', headers: { 'content-type': 'application/json' } });
    const changed = await call(`/${id}`, { headers: { 'if-none-match': etag } });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });

  test('answers HEAD', async () => {
    const { id } = await add();
    const answer = await call(`/${id}`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe((await call(`/${id}`)).headers.get('etag'));
  });

  test('leads to its bytes', async () => {
    const { id } = await add();
    const answer = await call(`/${id}/content`);
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toMatch(new RegExp(`/media/${id}/original\\?expires=\\d+&signature=`));
  });

  test('is deleted with its bytes: 204; if these go later: 202', async () => {
    const [first, second] = [await add(), await add()];
    // Many clients announce JSON with every request.
    const answer = await call(`/${first.id}`, { method: 'DELETE', headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(204);
    memory.storage.failing = true;
    const later = await call(`/${second.id}`, { method: 'DELETE' });
    expect(later.status).toBe(202);
    expect(await later.json()).toEqual({ id: second.id, purged: false });
    expect((await call(`/${second.id}`)).status).toBe(404);
  });
});

test("somebody else's asset answers exactly as one that does not exist", async () => {
  const { id } = await add({ user: 'otto' });
  const withoutRequest = async (answer: Response): Promise<unknown> => {
    const { requestId, ...problem } = (await answer.json()) as Record<string, unknown>;
    expect(requestId).toBe(answer.headers.get('x-request-id'));
    return problem;
  };
  const patch = { method: 'PATCH', body: '{"title":"mine"}', headers: { 'content-type': 'application/json' } };
  for (const [suffix, init] of [
    ['', {}],
    ['/content', {}],
    ['', patch],
    ['', { method: 'DELETE' }],
  ] as const) {
    const theirs = await call(`/${id}${suffix}`, init);
    expect(theirs.status).toBe(404);
    const problem = await withoutRequest(theirs);
    for (const nobodys of ['0198c0de-7a11-7bbb-8ccc-0123456789ab', 'no-uuid', '%00', "'--", 'x'.repeat(300)]) {
      expect(await withoutRequest(await call(`/${nobodys}${suffix}`, init))).toMatchObject(problem as object);
    }
  }
  expect((await memory.library.get('otto', id))?.title).toBeNull();
});

describe('a change', () => {
  const patch = (id: string, body: string): Promise<Response> =>
    call(`/${id}`, { method: 'PATCH', body, headers: { 'content-type': 'application/json' } });

  test('changes what it names, clears what is null, leaves the rest', async () => {
    const { id } = await add({ title: 'x', tags: ['a'] });
    expect(await (await patch(id, '{"altText":"y"}')).json()).toMatchObject({ title: 'x', altText: 'y', tags: ['a'] });
    expect(await (await patch(id, '{"title":null,"tags":["b","b"," c "]}')).json()).toMatchObject({
      title: null,
      altText: 'y',
      tags: ['b', 'c'],
    });
    expect(await (await patch(id, '{"tags":null}')).json()).toMatchObject({ tags: [] });
    expect(await (await patch(id, '{}')).json()).toMatchObject({ altText: 'y' });
  });

  test.each([
    ['{"kind":"VIDEO"}', /unknown field/],
    ['{"ownerId":"otto"}', /unknown field/],
    ['{"toString":"x"}', /unknown field/],
    ['{"title":7}', /`title` must be a text/],
    ['{"tags":"a"}', /`tags` must be a list of texts/],
    ['{"tags":[1]}', /`tags` must be a list of texts/],
    ['{"tags":[""]}', /empty tag/],
    ['{"altText":{}}', /`altText` must be a text/],
    ['[]', /JSON object/],
    ['"x"', /JSON object/],
    ['null', /JSON object/],
    ['', /JSON object/],
    ['{', /valid JSON/],
    ['{"title":"\\u0000"}', /NUL/],
    ['{"title":"\\ud800"}', /well-formed/],
    [JSON.stringify({ title: 'x'.repeat(301) }), /301 characters/],
  ])('refuses %s', async (body, detail) => {
    const { id } = await add();
    expect(await refusalOf(await patch(id, body))).toMatchObject(badInput(detail));
  });

  test('of another content type is refused', async () => {
    const { id } = await add();
    const answer = await call(`/${id}`, {
      method: 'PATCH',
      body: 'title=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(await refusalOf(answer)).toMatchObject(badInput(/Content-Type/));
  });
});
