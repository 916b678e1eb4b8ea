import type { IncomingMessage } from 'node:http';
import type { RequestRecord } from './faults.ts';

/** One request on its way to an answer. `path` is undecoded: a signature is taken over it as it was sent. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly rawQuery: string;
  readonly query: URLSearchParams;
  readonly record: RequestRecord;
};

/** A header of the request, joined when it was repeated. */
export function headerOf({ request }: Exchange, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** The whole body. Rejects when the connection breaks first, so that half a body is never taken for one. */
export async function readBody({ request }: Exchange): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}
