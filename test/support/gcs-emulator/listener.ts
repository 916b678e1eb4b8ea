import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Emulated } from './emulated.ts';
import type { Exchange } from './exchange.ts';
import type { Outcome, RequestRecord } from './faults.ts';
import { failureReply, HttpFailure, type Reply } from './reply.ts';
import { type Route, routeOf } from './routes.ts';

/** Opens a port; requests are held until `serve` says what answers them. */
export async function listen(): Promise<Listener> {
  const listener = new Listener();
  await listener.open(0);
  return listener;
}

/** The HTTP side of an emulator: sockets, records of requests, and the ways to leave one without an answer. */
export class Listener {
  readonly records: RequestRecord[] = [];
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  readonly #sockets = new Set<Socket>();
  readonly #open = new Set<ServerResponse>();
  readonly #stalled = new Set<ServerResponse>();
  #emulated: Emulated | undefined;
  #port = 0;
  #hanging = false;

  constructor() {
    // The default of 5 s closes idle connections just as a test picks them up again.
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  serve(emulated: Emulated): void {
    this.#emulated = emulated;
  }

  async open(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  openSockets(): number {
    return this.#sockets.size;
  }

  openRequests(): number {
    return this.#open.size;
  }

  async down(how: 'refuse' | 'hang'): Promise<void> {
    this.#hanging = how === 'hang';
    if (how === 'refuse') await this.#shut();
  }

  async up(): Promise<void> {
    this.#hanging = false;
    if (!this.#server.listening) await this.open(this.#port);
  }

  async reset(): Promise<void> {
    this.records.length = 0;
    for (const response of this.#stalled) response.destroy();
    await this.up();
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.#shut();
  }

  async #shut(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = exchangeOf(request);
    this.records.push(exchange.record);
    this.#open.add(response);
    response.once('close', () => {
      this.#open.delete(response);
      this.#stalled.delete(response);
    });
    const outcome = this.#hanging || this.#emulated === undefined ? 'stall' : await outcomeOf(this.#emulated, exchange);
    try {
      this.#deliver(outcome, exchange, response);
    } catch (error) {
      // A header that HTTP cannot carry: the client sees a broken connection, not the test run a crash.
      response.destroy(error instanceof Error ? error : undefined);
    }
  }

  #deliver(outcome: Outcome, { request, record }: Exchange, response: ServerResponse): void {
    if (outcome === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (outcome === 'stall') this.#stalled.add(response);
    else record.status = write(outcome, request, response);
    // What nobody has read goes by unread, or the connection could not be used again.
    request.resume();
  }
}

function exchangeOf(request: IncomingMessage): Exchange {
  const [path = '/', rawQuery = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const query = new URLSearchParams(rawQuery);
  const { method = '', headers } = request;
  const record: RequestRecord = { method, path, query: Object.fromEntries(query), headers, kind: 'unknown' };
  return { request, path, rawQuery, query, record };
}

async function outcomeOf(emulated: Emulated, exchange: Exchange): Promise<Outcome> {
  let route: Route | undefined;
  try {
    route = routeOf(emulated, exchange);
    const { kind, bucket, name, uploadId } = route;
    Object.assign(exchange.record, definedOf({ kind, bucket, name, uploadId }));
    return dress(await route.work(), route);
  } catch (error) {
    // A broken connection needs no answer; its session keeps what came before.
    if (exchange.request.destroyed && !exchange.request.complete) return 'reset';
    const failure = error instanceof HttpFailure ? error : new HttpFailure(500, 'internalError', `Emulator fault: ${error}`);
    return dress(failureReply(failure, route?.dialect ?? 'json'), route);
  }
}

function dress(outcome: Outcome, route: Route | undefined): Outcome {
  if (typeof outcome === 'string' || route === undefined) return outcome;
  const reply = 'reply' in outcome ? outcome.reply : outcome;
  Object.assign(reply.headers, route.cors());
  return outcome;
}

function write(outcome: Exclude<Outcome, string>, request: IncomingMessage, response: ServerResponse): number {
  const reply: Reply = 'reply' in outcome ? outcome.reply : outcome;
  const hasBody = reply.status !== 204 && reply.status !== 304;
  const headers = utf8Headers(hasBody ? { ...reply.headers, 'content-length': reply.body.length } : reply.headers);
  response.writeHead(reply.status, STATUS_TEXTS[reply.status] ?? '', headers);
  if ('reply' in outcome) {
    response.write(reply.body.subarray(0, outcome.truncateAfterBytes), () => request.socket.destroy());
  } else {
    response.end(request.method === 'HEAD' ? undefined : reply.body);
  }
  return reply.status;
}

/** Node writes headers as Latin-1; Google sends the UTF-8 it was given. */
function utf8Headers(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const encode = (value: OutgoingHttpHeader) => (typeof value === 'string' ? Buffer.from(value).toString('latin1') : value);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, encode(value)]])),
  );
}

/** Two statuses mean something else here than in the HTTP registry. */
const STATUS_TEXTS: Record<number, string> = { 308: 'Resume Incomplete', 499: 'Client Closed Request' };

function definedOf(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
