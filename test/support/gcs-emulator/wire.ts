import { once } from 'node:events';
import { type Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as open } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One raw request. `declaredBytes` overrules Content-Length, for bodies that stop short of what they promise. */
export type WireRequest = {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  declaredBytes?: number;
  agent?: Agent;
};

/** Its answer, whole. */
export type WireAnswer = { status: number; statusText: string; headers: IncomingHttpHeaders; body: Buffer };

/** Sends a request over plain HTTP, with nothing added that was not asked for. Rejects when the connection breaks. */
export async function send(wire: WireRequest): Promise<WireAnswer> {
  const request = begin(wire);
  request.end(wire.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  const { statusCode = 0, statusMessage = '', headers } = response;
  return { status: statusCode, statusText: statusMessage, headers, body: Buffer.concat(pieces) };
}

/** Sends the head and the given part of the body, and leaves the request open; `destroy` it to break the connection. */
export function begin(wire: WireRequest): ClientRequest {
  const { url, method = 'GET', headers = {}, body = '', declaredBytes = Buffer.byteLength(body), agent } = wire;
  const unframed = method === 'GET' || headers['transfer-encoding'] !== undefined;
  const length = unframed ? {} : { 'content-length': String(declaredBytes) };
  return open(url, { method, headers: { ...length, ...headers }, agent: agent ?? false });
}

/** The JSON of an answer, as loosely as a test reads it. */
export function jsonOf(answer: WireAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString());
}

/** Waits for something that is about to become true; rejects after 5 s. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (const limit = Date.now() + 5000; !isTrue(); await sleep(5)) {
    if (Date.now() > limit) throw new Error('it did not become true within 5 s');
  }
}
