import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ErrorCode, errorTable, MediakeepError } from '../../src/errors.ts';
import { graphqlDoor } from '../../src/graphql/door.ts';
import { restDoor } from '../../src/rest/door.ts';
import { authenticateByName, type ListeningServer, listening } from '../support/http.ts';
import { type MemoryLibrary, memoryLibrary, silent } from '../support/memory.ts';

let memory: MemoryLibrary;
let server: ListeningServer;

beforeAll(async () => {
  memory = memoryLibrary();
  const { library } = memory;
  const doors = [
    graphqlDoor({ library, authenticate: authenticateByName, log: silent, tokenFor: () => undefined }),
    restDoor({ library, authenticate: authenticateByName, baseUrl: () => 'http://media.test' }),
  ];
  server = await listening({ doors });
});

afterAll(() => server.server.close({ graceSeconds: 0 }));

/** What an adapter's failure may hold, and no client may see. */
const revealing = Object.assign(
  new Error('select * from media_assets; ENOENT /srv/app/objects/tmp; https://bucket/o?X-Goog-Signature=abc; password=hunter2'),
  {
    stack: 'Error: deep inside\n    at Adapter.put (/srv/app/src/storage/disk.ts:42:7)',
    detail: 'Key (id)=(1)',
    hint: 'hunter2',
  },
);

const reveals = /select |media_assets|ENOENT|\/srv|\.ts|\bat \w+\.|stack|Signature|hunter2|Key \(|node_modules/i;

const overRest = () => fetch(`${server.url}/api/v1/media/`, { headers: { authorization: 'Bearer anna' } });
const overGraphql = () =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { authorization: 'Bearer anna', 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ myMedia { totalCount } }' }),
  });

/** Every header and the body. */
async function allOf(response: Response): Promise<string> {
  return JSON.stringify([...response.headers]) + (await response.text());
}

describe.each(Object.entries(errorTable))('%s', (code, { status, title }) => {
  const failure = new MediakeepError(code as ErrorCode, 'A sentence for the user.', { cause: revealing, retryAfterSeconds: 7 });

  test('over REST is a problem with its status, title, code and request id, and nothing of its cause', async () => {
    memory.store.failure = failure;
    const response = await overRest();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(response.headers.get('retry-after')).toBe('7');
    const whole = await allOf(response.clone());
    expect(whole).not.toMatch(reveals);
    const type = `urn:mediakeep:problem:${code.toLowerCase().replaceAll('_', '-')}`;
    const requestId = response.headers.get('x-request-id');
    expect(await response.json()).toEqual({ type, title, status, code, detail: 'A sentence for the user.', requestId });
  });

  test('over GraphQL is its code, and nothing of its cause', async () => {
    memory.store.failure = failure;
    const response = await overGraphql();
    expect(response.headers.get('retry-after')).toBe('7');
    const whole = await allOf(response.clone());
    expect(whole).not.toMatch(reveals);
    const { errors } = (await response.json()) as { errors: unknown[] };
    expect(errors).toEqual([
      {
        message: 'A sentence for the user.',
        extensions: { code, retryAfter: 7 },
        locations: expect.anything(),
        path: ['myMedia'],
      },
    ]);
  });

  test("stands in the README's table with its status", () => {
    expect(readFileSync('README.md', 'utf8')).toMatch(new RegExp(`^\\| \`${code}\` \\| ${status} \\|`, 'm'));
  });
});

test.each([
  ['REST', overRest],
  ['GraphQL', overGraphql],
])('what nobody foresaw is INTERNAL_SERVER_ERROR over %s, its text and stack only in the log', async (_door, ask) => {
  memory.store.failure = revealing;
  const whole = await allOf(await ask());
  expect(whole).toContain('INTERNAL_SERVER_ERROR');
  expect(whole).not.toMatch(reveals);
});
