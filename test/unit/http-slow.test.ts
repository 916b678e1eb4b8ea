import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import type { FastifyPluginAsync } from 'fastify';
import { connected, type ListeningServer, listening, received } from '../support/http.ts';

/** Reads a body of any type to its end; `/late` begins a second late, as a server under load would. */
const reader: FastifyPluginAsync = async (scope) => {
  scope.addContentTypeParser('*', (_request, _body, done) => done(null));
  scope.post('/read', async (request) => ({ sizeBytes: await sizeOf(request.raw) }));
  scope.post('/late', async (request) => {
    request.raw.on('data', () => undefined).pause();
    await sleep(1000);
    return { sizeBytes: await sizeOf(request.raw) };
  });
};

async function sizeOf(source: Readable): Promise<number> {
  let sizeBytes = 0;
  source.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
  });
  source.resume();
  await once(source, 'end');
  return sizeBytes;
}

const running: ListeningServer[] = [];

async function start(): Promise<ListeningServer> {
  const server = await listening({ doors: [reader], slowest: { bytes: 1000, seconds: 0.4 } });
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ server }) => server.close({ graceSeconds: 0 })));
});

/** Sends `pieces` of `bytes`, one every 100 ms; gives back what came, and whether the server hung up before all was sent. */
async function send(path: string, { pieces, bytes }: { pieces: number; bytes: number }) {
  const { port } = await start();
  const socket = await connected(port);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.on('error', () => undefined);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: ${pieces * bytes}\r\n\r\n`);
  for (let piece = 0; piece < pieces && !socket.closed; piece += 1) {
    socket.write(Buffer.alloc(bytes));
    await sleep(100);
  }
  const wasCut = socket.closed;
  await sleep(200);
  socket.destroy();
  return { answer, wasCut };
}

test('a body that trickles in below the slowest pace is cut off, although it is never silent', async () => {
  expect(await send('/read', { pieces: 20, bytes: 10 })).toEqual({ answer: '', wasCut: true });
});

test('a slow body above that pace takes as long as it takes', async () => {
  const { answer, wasCut } = await send('/read', { pieces: 20, bytes: 400 });
  expect(wasCut).toBe(false);
  expect(answer).toMatch(/^HTTP\/1\.1 200.*\{"sizeBytes":8000\}$/s);
});

test('a client that we let wait is not called slow', async () => {
  const { port } = await start();
  const socket = await connected(port);
  socket.write('POST /late HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 10\r\n\r\n0123456789');
  expect(await received(socket, /\}$/)).toMatch(/\{"sizeBytes":10\}$/);
  socket.destroy();
});
