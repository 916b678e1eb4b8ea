import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { MediakeepError } from '../../src/errors.ts';
import { logSettings } from '../../src/http/log.ts';
import { createServer, type HttpServer, type ServerOptions } from '../../src/http/server.ts';

/** A server under test, with everything it logged. */
export interface ListeningServer {
  readonly url: string;
  readonly port: number;
  readonly server: HttpServer;
  readonly logged: Record<string, unknown>[];
}

/** Whoever sends `Bearer <name>` is that user. */
export async function authenticateByName(authorization: string | undefined): Promise<string> {
  const name = /^Bearer (\w+)$/.exec(authorization ?? '')?.[1];
  if (name === undefined) throw new MediakeepError('UNAUTHENTICATED', 'Please sign in.');
  return name;
}

/** Our server on a free port of this machine. */
export async function listening(options: Partial<ServerOptions>): Promise<ListeningServer> {
  const logged: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void logged.push(JSON.parse(line)) };
  const server = await createServer({
    log: pino({ level: 'info', ...logSettings }, stream),
    authenticate: authenticateByName,
    corsOrigins: 'localhost',
    rateLimitPerMinute: 0,
    readiness: {},
    strictTransport: false,
    doors: [],
    ...options,
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  return { url, port: Number(new URL(url).port), server, logged };
}

/** Sends bytes as they are and gives back all that comes until the server closes, or until `enough` is in it. */
export async function exchange(port: number, bytes: string | Buffer, enough?: RegExp): Promise<string> {
  const socket = await connected(port);
  socket.write(bytes);
  if (enough === undefined) return await text(socket);
  const answer = await received(socket, enough);
  socket.destroy();
  return answer;
}

/** A connection to the server. */
export function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** All that a socket receives until it matches `enough`. Rejects when it closes before. */
export function received(socket: Socket, enough: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!enough.test(answer)) return;
      socket.off('data', onData).off('close', onClose);
      resolve(answer);
    };
    const onClose = (): void => reject(new Error(`Closed after ${JSON.stringify(answer)}`));
    socket.on('data', onData).on('close', onClose).on('error', onClose);
  });
}

/** Waits until something is true, for at most `patienceMs`. */
export async function until(isSo: () => boolean, patienceMs = 3000): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!isSo()) {
    if (Date.now() > giveUpAt) throw new Error('It did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
