import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyPluginAsync } from 'fastify';
import { MediakeepError } from '../../src/errors.ts';
import type { ServerOptions } from '../../src/http/server.ts';
import { exchange, type ListeningServer, listening, until } from '../support/http.ts';

const running: ListeningServer[] = [];

async function start(options: Partial<ServerOptions> = {}): Promise<ListeningServer> {
  const server = await listening(options);
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ server }) => server.close({ graceSeconds: 0 })));
});

/** A door that fails in the way its path says, and one that takes JSON. */
const failing: FastifyPluginAsync = async (scope) => {
  scope.get('/fails/ours', async () => {
    const cause = Object.assign(new Error('upstream said no for Bearer abc.def'), {
      config: { headers: { Authorization: 'Bearer abc' } },
    });
    throw new Error('connect to /var/lib/secret?X-Goog-Signature=0123 failed', { cause });
  });
  scope.get('/fails/upstream', async () => {
    throw Object.assign(new Error('the bucket is private'), { statusCode: 403 });
  });
  scope.get('/fails/busy', async () => {
    throw new MediakeepError('OVERLOADED', 'Too much at once.', { retryAfterSeconds: 7 });
  });
  scope.get('/fails/anonymous', async () => {
    throw new MediakeepError('UNAUTHENTICATED', 'Please sign in.');
  });
  scope.post('/json', async (request) => ({ got: request.body }));
  scope.post('/graphql', async (request) => ({ got: request.body }));
  scope.get('/fine', async () => ({ fine: true }));
};

async function problemOf(answer: Response): Promise<Record<string, unknown>> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const problem = (await answer.json()) as Record<string, unknown>;
  expect(problem.status).toBe(answer.status);
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  return problem;
}

describe('every answer', () => {
  test('has an id of its own making and the headers of an API', async () => {
    const { url } = await start({ doors: [failing], strictTransport: true });
    const answer = await fetch(`${url}/fine`, { headers: { 'x-request-id': 'chosen-by-the-client' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'strict-transport-security': 'max-age=31536000',
    });
  });

  test('says nothing of https where there is none', async () => {
    const { url } = await start({ doors: [failing] });
    expect((await fetch(`${url}/fine`)).headers.get('strict-transport-security')).toBeNull();
  });

  test('is one line in the log, without query and credentials', async () => {
    const { url, logged } = await start({ doors: [failing] });
    const answer = await fetch(`${url}/fine?signature=abc`, { headers: { authorization: 'Bearer anna', cookie: 'a=b' } });
    await until(() => logged.some(({ msg }) => msg === 'request'));
    const lines = logged.filter(({ reqId }) => reqId !== undefined);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ reqId: answer.headers.get('x-request-id'), method: 'GET', path: '/fine', status: 200 });
    expect(JSON.stringify(logged)).not.toMatch(/anna|abc|a=b/);
  });
});

describe('a failure', () => {
  test('of ours is a problem that hides everything, and one line in the log that hides only secrets', async () => {
    const { url, logged } = await start({ doors: [failing] });
    const problem = await problemOf(await fetch(`${url}/fails/ours`));
    expect(problem).toMatchObject({
      type: 'urn:mediakeep:problem:internal-server-error',
      status: 500,
      code: 'INTERNAL_SERVER_ERROR',
    });
    expect(JSON.stringify(problem)).not.toMatch(/secret|upstream|connect/);
    const lines = logged.filter(({ level }) => level === 50);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      reqId: problem.requestId,
      err: { cause: { message: 'upstream said no for Bearer [redacted]' } },
    });
    expect(JSON.stringify(lines)).not.toMatch(/0123|abc/);
  });

  test('of an SDK does not pass for a fault of the client', async () => {
    const { url } = await start({ doors: [failing] });
    expect(await problemOf(await fetch(`${url}/fails/upstream`))).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' });
  });

  test('says when to come back', async () => {
    const { url } = await start({ doors: [failing] });
    const answer = await fetch(`${url}/fails/busy`);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(await problemOf(answer)).toMatchObject({
      status: 503,
      code: 'OVERLOADED',
      title: 'The server is busy',
      detail: 'Too much at once.',
    });
  });

  test('to sign in names the scheme', async () => {
    const { url } = await start({ doors: [failing] });
    const answer = await fetch(`${url}/fails/anonymous`);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problemOf(answer)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });

  test('to find an address is 404', async () => {
    const { url } = await start();
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const answer = await fetch(`${url}/nowhere`, { method });
      if (method !== 'OPTIONS') expect(await problemOf(answer)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  test.each([
    ['{"a":', 'application/json', /not valid JSON/],
    ['', 'application/json', /empty/],
    ['{"__proto__":{}}', 'application/json', /not valid JSON|cannot be understood/],
    ['<a/>', 'text/xml', /Content-Type/],
    [JSON.stringify('x'.repeat(2_000_000)), 'application/json', /too large/],
  ])('of a body is BAD_USER_INPUT (%#)', async (body, type, detail) => {
    const { url } = await start({ doors: [failing] });
    const problem = await problemOf(await fetch(`${url}/json`, { method: 'POST', body, headers: { 'content-type': type } }));
    expect(problem).toMatchObject({ status: 400, code: 'BAD_USER_INPUT', detail: expect.stringMatching(detail) as unknown });
  });

  test('of an address that is no URL is BAD_USER_INPUT, with an id', async () => {
    const { url } = await start({ doors: [failing] });
    expect(await problemOf(await fetch(`${url}/%zz`))).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
  });

  test('of a compressed body is told by its name, and none is asked for', async () => {
    const { url } = await start({ doors: [failing] });
    const send = (coding: string): Promise<Response> =>
      fetch(`${url}/json`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': coding },
        body: '{"a":1}',
      });
    expect(await problemOf(await send('gzip'))).toMatchObject({
      status: 400,
      code: 'BAD_USER_INPUT',
      detail: 'Send the body as it is: `Content-Encoding` is not supported.',
    });
    expect(await (await send('identity')).json()).toEqual({ got: { a: 1 } });
  });

  test('on /graphql has the shape of GraphQL', async () => {
    const { url } = await start({ doors: [failing] });
    const answer = await fetch(`${url}/graphql`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      errors: [{ message: 'The body of the request is not valid JSON.', extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });
});

describe('what is not HTTP', () => {
  test('is answered and closed', async () => {
    const { port } = await start();
    const answer = await exchange(port, 'HELLO\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
  });

  test('with endless headers is 431', async () => {
    const { port } = await start();
    const answer = await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('CORS', () => {
  const ask = (url: string, origin: string, method = 'OPTIONS'): Promise<Response> =>
    fetch(`${url}/fails/busy`, { method, headers: { origin, 'access-control-request-method': 'PATCH' } });

  test('lets pages of this machine in while developing, and shows them what they need', async () => {
    const { url } = await start({ doors: [failing] });
    const preflight = await ask(url, 'http://localhost:5173');
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    expect(preflight.headers.get('access-control-allow-methods')).toMatch(/PATCH/);
    for (const name of [
      'Authorization',
      'Content-Type',
      'Apollo-Require-Preflight',
      'X-Apollo-Operation-Name',
      'If-None-Match',
      'Range',
    ]) {
      expect(preflight.headers.get('access-control-allow-headers')).toContain(name);
    }
    const failure = await ask(url, 'http://127.0.0.1:3000', 'GET');
    expect(failure.headers.get('access-control-allow-origin')).toBe('http://127.0.0.1:3000');
    for (const name of ['Link', 'Location', 'ETag', 'Retry-After', 'X-Request-Id']) {
      expect(failure.headers.get('access-control-expose-headers')).toContain(name);
    }
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
      expect((await ask(url, origin)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('lets in the pages that are named, or all, or none', async () => {
    const named = await start({ doors: [failing], corsOrigins: ['https://app.example'] });
    expect((await ask(named.url, 'https://app.example')).headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect((await ask(named.url, 'http://localhost:1')).headers.get('access-control-allow-origin')).toBeNull();
    const all = await start({ doors: [failing], corsOrigins: ['*'] });
    expect((await ask(all.url, 'https://any.example')).headers.get('access-control-allow-origin')).toBe('*');
    const none = await start({ doors: [failing], corsOrigins: 'none' });
    expect((await ask(none.url, 'http://localhost:1', 'GET')).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('the rate limit', () => {
  const get = (url: string, path: string, user?: string): Promise<Response> =>
    fetch(`${url}${path}`, user === undefined ? {} : { headers: { authorization: `Bearer ${user}` } });

  test('counts each user apart, and strangers by address', async () => {
    const { url } = await start({ doors: [failing], rateLimitPerMinute: 2 });
    const statuses = async (user?: string): Promise<number[]> => [
      (await get(url, '/fine', user)).status,
      (await get(url, '/fine', user)).status,
      (await get(url, '/fine', user)).status,
    ];
    expect(await statuses('anna')).toEqual([200, 200, 429]);
    expect(await statuses('otto')).toEqual([200, 200, 429]);
    expect(await statuses()).toEqual([200, 200, 429]);
    expect((await get(url, '/fine', 'not a token')).status).toBe(429);
  });

  test('says when to come back, also to a page of another origin', async () => {
    const { url } = await start({ doors: [failing], rateLimitPerMinute: 1 });
    await get(url, '/fine');
    const answer = await fetch(`${url}/fine`, { headers: { origin: 'http://localhost:1' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:1');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(55);
    expect(await problemOf(answer)).toMatchObject({
      status: 429,
      code: 'RATE_LIMITED',
      detail: expect.stringMatching(/Only 1 requests/) as unknown,
    });
  });

  test('holds for addresses that do not exist, and speaks GraphQL to GraphQL', async () => {
    const { url } = await start({ doors: [failing], rateLimitPerMinute: 1 });
    expect((await get(url, '/nowhere')).status).toBe(404);
    expect((await get(url, '/nowhere')).status).toBe(429);
    const answer = await fetch(`${url}/graphql`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(429);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
  });

  test.each([
    ['nobody', undefined, ['1.1.1.1', '2.2.2.2'], [200, 429]],
    ['one proxy in front', 1, ['1.1.1.1', '2.2.2.2', '9.9.9.9, 1.1.1.1'], [200, 200, 429]],
    ['two proxies in front', 2, ['1.1.1.1, 5.5.5.5', '2.2.2.2, 5.5.5.5', '1.1.1.1, 6.6.6.6'], [200, 200, 429]],
    ['a proxy by its address', ['loopback'], ['1.1.1.1', '2.2.2.2', '1.1.1.1'], [200, 200, 429]],
    ['a proxy at another address', ['10.0.0.0/8'], ['1.1.1.1', '2.2.2.2'], [200, 429]],
  ])('believes in X-Forwarded-For: %s', async (_who, trustProxy, forwardedFor, statuses) => {
    const { url } = await start({ doors: [failing], rateLimitPerMinute: 1, trustProxy });
    const answers: number[] = [];
    for (const value of forwardedFor)
      answers.push((await fetch(`${url}/fine`, { headers: { 'x-forwarded-for': value } })).status);
    expect(answers).toEqual(statuses);
  });

  test('leaves probes out', async () => {
    const { url } = await start({ rateLimitPerMinute: 1 });
    for (let i = 0; i < 3; i += 1) expect((await get(url, '/healthz')).status).toBe(200);
  });
});
