import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { acceptedFiles } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';

describe('every answer', () => {
  let server: TestServer;
  let token: string;
  let link: string;
  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> =>
    fetch(new URL(path, server.url), { redirect: 'manual', ...init, headers: { authorization: `Bearer ${token}`, ...headers } });

  beforeAll(async () => {
    server = await startTestServer({
      PUBLIC_URL: 'https://media.example',
      TRUST_PROXY: 'loopback',
      CORS_ORIGINS: 'https://app.example',
    });
    token = await tokenOf('ada');
    const [image] = await acceptedFiles();
    const asset = await restClient(server, token).upload({
      kind: 'IMAGE',
      name: 'a.jpg',
      bytes: image?.bytes ?? Buffer.alloc(0),
    });
    link = asset.url.replace('https://media.example', server.url);
  });

  afterAll(async () => {
    await server.close();
  });

  test.each([
    ['a list', '/api/v1/media/', {}, /default-src 'none'.*frame-ancestors 'none'/],
    ['a refusal', '/api/v1/media/?first=0', {}, /default-src 'none'.*frame-ancestors 'none'/],
    ['an unknown address', '/nowhere', {}, /default-src 'none'.*frame-ancestors 'none'/],
    ['GraphQL', '/graphql?query={myUsage{count}}', {}, /default-src 'none'.*frame-ancestors 'none'/],
    ['a probe', '/readyz', {}, /default-src 'none'.*frame-ancestors 'none'/],
    ['the OpenAPI document', '/api/v1/openapi.json', {}, /default-src 'none'.*frame-ancestors 'none'/],
    ['the playground', '/graphql', { accept: 'text/html' }, /frame-ancestors 'none'/],
    ['the API page', '/api/v1/docs/', {}, /default-src 'none'.*frame-ancestors 'none'/],
  ])(
    '%s: says nothing of the software, is not sniffed, framed or used as something else, and comes by https only',
    async (_what, path, headers, policy) => {
      const response = await ask(path, headers);
      await response.text();
      expect(response.headers.get('content-security-policy')).toMatch(policy);
      expectCommon(response);
    },
  );

  test('bytes of a user: may be shown anywhere, and can do nothing', async () => {
    const response = await fetch(link);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    expect(response.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
    expect(response.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expectCommon(response);
  });

  test('an origin that is not listed gets no leave to read, not even for a link or a failure', async () => {
    for (const path of ['/api/v1/media/', link, '/nowhere', '/graphql']) {
      const foreign = await ask(path, { origin: 'https://evil.example' });
      expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
      const ours = await ask(path, { origin: 'https://app.example' });
      expect(ours.headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(ours.headers.get('access-control-allow-credentials')).toBeNull();
      expect(ours.headers.get('vary')).toMatch(/origin/i);
      await Promise.all([foreign.arrayBuffer(), ours.arrayBuffer()]);
    }
  });

  test('a link leads to PUBLIC_URL, whatever host the request or a believed proxy names', async () => {
    const response = await ask('/api/v1/media/', { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' });
    const { items } = (await response.json()) as { items: { url: string }[] };
    expect(items[0]?.url).toMatch(/^https:\/\/media\.example\/media\//);
  });

  function expectCommon(response: Response): void {
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('server')).toBeNull();
    expect(response.headers.get('x-powered-by')).toBeNull();
  }
});
