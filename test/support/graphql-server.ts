import { connect, type Socket } from 'node:net';
import pino from 'pino';
import { MediakeepError } from '../../src/errors.ts';
import { graphqlDoor } from '../../src/graphql/door.ts';
import { createServer } from '../../src/http/server.ts';
import type { Limits } from '../../src/media/policy.ts';
import type { Log } from '../../src/media/ports.ts';
import { type MemoryLibrary, memoryLibrary } from './memory.ts';

/** The GraphQL door on the real HTTP server and a library in memory. `Authorization: Bearer NAME` signs in as NAME. */
export interface GraphqlServer extends MemoryLibrary {
  readonly url: string;
  readonly port: number;
  /** What was logged as an error. */
  readonly errors: Record<string, unknown>[];
  close(): Promise<void>;
}

export async function startGraphqlServer(limits: Partial<Limits> = {}, token?: string): Promise<GraphqlServer> {
  const errors: Record<string, unknown>[] = [];
  const log: Log = { info: () => undefined, warn: () => undefined, error: (fields) => errors.push(fields) };
  const memory = memoryLibrary(limits, log);
  const server = await createServer({
    log: pino({ level: 'silent' }),
    authenticate,
    corsOrigins: 'none',
    rateLimitPerMinute: 0,
    readiness: {},
    strictTransport: false,
    doors: [
      graphqlDoor({
        library: memory.library,
        authenticate,
        log,
        tokenFor: (host) => (host?.startsWith('127.0.0.1') ? token : undefined),
      }),
    ],
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    ...memory,
    errors,
    url: `${url}/graphql`,
    port: Number(new URL(url).port),
    close: () => server.close({ graceSeconds: 1 }),
  };
}

async function authenticate(authorization: string | undefined): Promise<string> {
  const [, name] = /^Bearer ([a-z]+)$/.exec(authorization ?? '') ?? [];
  if (name === undefined) throw new MediakeepError('UNAUTHENTICATED', 'Please sign in first.');
  return name;
}

/** An answer of the door. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly data: any;
  readonly errors: { message: string; path?: (string | number)[]; extensions: { code: string; retryAfter?: number } }[];
  readonly text: string;
}

/** POSTs an operation as JSON, signed in as ada. */
export function post(
  server: GraphqlServer,
  query: string,
  variables: unknown = {},
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer> {
  return send(server.url, JSON.stringify({ query, variables }), {
    authorization: 'Bearer ada',
    'content-type': 'application/json',
    ...headers,
  });
}

/** POSTs any body. */
export async function send(url: string, body: string | Buffer, headers: Record<string, string>): Promise<GraphqlAnswer> {
  return await answerOf(
    await fetch(url, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers, signal: AbortSignal.timeout(8000) }),
  );
}

export async function answerOf(response: Response): Promise<GraphqlAnswer> {
  const text = await response.text();
  const { data, errors = [] } = JSON.parse(text);
  return { status: response.status, headers: response.headers, data, errors, text };
}

/** A part of a form written by hand: a field, or a file when it has a filename. */
export interface Part {
  readonly name: string;
  readonly value: string | Buffer;
  readonly filename?: string;
}

export const boundary = 'a-line-between';

/** The bytes of a form, whole. */
export function formOf(parts: readonly Part[]): Buffer {
  return Buffer.concat([
    ...parts.flatMap((part) => [headOf(part), Buffer.from(part.value)]),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

/** What stands before the content of a part. */
export function headOf({ name, filename }: Pick<Part, 'name' | 'filename'>): Buffer {
  const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: application/octet-stream`;
  return Buffer.from(`\r\n--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`);
}

/** `operations` and `map`. */
export function operationParts(query: string, variables: unknown, map: unknown): Part[] {
  return [
    { name: 'operations', value: JSON.stringify({ query, variables }) },
    { name: 'map', value: typeof map === 'string' ? map : JSON.stringify(map) },
  ];
}

export const formHeaders = { authorization: 'Bearer ada', 'content-type': `multipart/form-data; boundary=${boundary}` };

/** POSTs a form, signed in as ada. */
export function postForm(
  server: GraphqlServer,
  parts: readonly Part[],
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer> {
  return send(server.url, formOf(parts), { ...formHeaders, ...headers });
}

/** A connection that has sent the head of a form of `contentLength` bytes, and waits. */
export async function beginForm(
  server: GraphqlServer,
  contentLength: number,
  headers: Record<string, string> = formHeaders,
): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  const lines = Object.entries({ host: 'localhost', 'content-length': String(contentLength), ...headers }).map(
    ([key, value]) => `${key}: ${value}`,
  );
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(`POST /graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}

/** What the server says on a connection until it has said a whole JSON body, or closes. */
export function heard(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error(`No answer in time: ${text}`)), 8000);
    const done = (): void => {
      clearTimeout(late);
      resolve(text);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (/\r\n\r\n[\s\S]*\}\s*$/.test(text)) done();
    });
    socket.once('close', done).on('error', () => undefined);
  });
}
