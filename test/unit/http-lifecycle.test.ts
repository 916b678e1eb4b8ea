import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyPluginAsync } from 'fastify';
import type { ServerOptions } from '../../src/http/server.ts';
import { type ListeningServer, listening, until } from '../support/http.ts';

const running: ListeningServer[] = [];

async function start(options: Partial<ServerOptions> = {}): Promise<ListeningServer> {
  const server = await listening(options);
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ server }) => server.close({ graceSeconds: 0 })));
});

describe('probes', () => {
  test('/readyz says what does not answer, within two seconds', async () => {
    const { url } = await start({
      readiness: {
        database: async () => undefined,
        storage: () => new Promise(() => undefined),
        queue: async () => {
          throw new Error('password wrong for postgres://');
        },
      },
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const askedAt = Date.now();
    const problem = await (await fetch(`${url}/readyz`)).json();
    expect(Date.now() - askedAt).toBeLessThan(2900);
    expect(problem).toMatchObject({ status: 503, code: 'STORAGE_UNAVAILABLE', detail: 'No answer from: storage, queue.' });
  });

  test('a flood of them asks once', async () => {
    let asked = 0;
    const { url } = await start({
      readiness: {
        database: async () => {
          asked += 1;
        },
      },
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/readyz`)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(asked).toBe(1);
    await until(() => asked === 1);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await fetch(`${url}/readyz`);
    expect(asked).toBe(2);
  });
});

describe('closing', () => {
  const slow =
    (ms: number): FastifyPluginAsync =>
    async (scope) => {
      scope.get('/slow', () => new Promise((resolve) => setTimeout(() => resolve({ done: true }), ms).unref()));
    };

  test('lets a running request end, and does not wait for the keep-alive socket it came on', async () => {
    const { url, server } = await listening({ doors: [slow(500)] });
    const answer = fetch(`${url}/slow`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closedAt = Date.now();
    await Promise.all([
      server.close({ graceSeconds: 20 }),
      answer.then(async (response) => expect(await response.json()).toEqual({ done: true })),
    ]);
    expect(Date.now() - closedAt).toBeLessThan(3000);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  test('cuts what has not ended in time', async () => {
    const { url, server } = await listening({ doors: [slow(60_000)] });
    const answer = fetch(`${url}/slow`);
    answer.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closedAt = Date.now();
    await server.close({ graceSeconds: 0.3 });
    expect(Date.now() - closedAt).toBeLessThan(3000);
    await expect(answer).rejects.toThrow();
  });
});
