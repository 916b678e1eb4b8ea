import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyPluginAsync } from 'fastify';
import type { ServerOptions } from '../../src/http/server.ts';
import { connected, type ListeningServer, listening, received } from '../support/http.ts';

const running: ListeningServer[] = [];

async function start(options: Partial<ServerOptions> = {}): Promise<ListeningServer> {
  const server = await listening(options);
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ server }) => server.close({ graceSeconds: 0 })));
});

const json: FastifyPluginAsync = async (scope) => {
  scope.post('/json', async (request) => ({ got: request.body }));
};

describe('a body that nobody read', () => {
  /** Takes a body of any type and answers without looking at it. */
  const careless: FastifyPluginAsync = async (scope) => {
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    scope.post('/careless', async (_request, reply) => reply.code(201).send({ took: 'nothing' }));
    scope.delete('/careless', async (_request, reply) => reply.code(204).send());
  };
  const head = (bytes: number, extra = '') =>
    `POST /careless HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Length: ${bytes}\r\n${extra}\r\n`;

  test.each(['', 'Connection: close\r\n'])('does not keep the answer from a client that is still sending (%j)', async (extra) => {
    const { port } = await start({ doors: [careless] });
    const socket = await connected(port);
    const answer = received(socket, /nothing"\}/);
    const size = 60_000_000;
    socket.write(head(size, extra));
    for (let sent = 0; sent < size; sent += 1_000_000) {
      // A client that looks for an answer only after it has sent everything.
      await new Promise<void>((resolve, reject) =>
        socket.write(Buffer.alloc(1_000_000), (error) => (error ? reject(error) : resolve())),
      );
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    socket.destroy();
  });

  test('does not block the next request on the same connection', async () => {
    const { port } = await start({ doors: [careless] });
    const socket = await connected(port);
    socket.write(head(1_000_000));
    await received(socket, /nothing"\}/);
    const next = received(socket, /"ok"/);
    socket.write(Buffer.concat([Buffer.alloc(1_000_000), Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')]));
    expect(await next).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test('does not hold an answer without a body either', async () => {
    const { port } = await start({ doors: [careless] });
    const socket = await connected(port);
    socket.write('DELETE /careless HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\n');
    expect(await received(socket, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 204 /);
    socket.destroy();
  });

  test('is waited for five seconds, then the connection is cut', async () => {
    const { port } = await start({ doors: [careless] });
    const socket = await connected(port);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const askedAt = Date.now();
    socket.write(head(1_000_000));
    expect(await received(socket, /nothing"\}/)).toMatch(/^HTTP\/1\.1 201 /);
    expect(Date.now() - askedAt).toBeLessThan(1500);
    await closed;
    expect(Date.now() - askedAt).toBeGreaterThan(4500);
    expect(Date.now() - askedAt).toBeLessThan(8000);
  });
});

describe('a connection', () => {
  test('is cut off when the rest of a body does not come', async () => {
    const { port } = await start({ doors: [json], idleSeconds: 0.3 });
    const socket = await connected(port);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
    await closed;
  });

  test('is not cut off while a body drips in', async () => {
    const { port } = await start({ doors: [json], idleSeconds: 0.5 });
    const socket = await connected(port);
    socket.write('POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n');
    for (const character of '[1,2,3]') {
      socket.write(character);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const answer = received(socket, /got/);
    socket.write(' ');
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test('that never says anything is closed', async () => {
    const { port } = await start({ idleSeconds: 0.3 });
    const socket = await connected(port);
    await new Promise((resolve) => socket.on('close', resolve).resume());
  });
});
