import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How long the rest of a body is read after an early answer, in milliseconds: a client that reads the answer at all has done so by then. */
const drainMs = 5000;

/** How much of it is read: what a fast client may still send in that time. After that the socket is left alone until the time is over. */
const drainBytes = 512 * 1024 * 1024;

/**
 * Lets an answer that is given before the request's body was read reach a client that is still sending.
 *
 * Closing (which `Connection: close` does) while bytes come in resets the connection, and the reset overtakes the answer; not reading leaves a
 * keep-alive socket stuck. So the whole answer goes out at once, its end is withheld while the rest of the body is read and thrown away,
 * and a client that is not done after that is cut off.
 */
export function withUnreadBodyDrained(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (!hasUnreadBody(request.raw)) return payload;
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) {
    reply.raw.once('finish', () => drain(request.raw).then((ended) => !ended && request.raw.socket.destroy()));
    return payload;
  }
  // The client knows by this number that the answer is complete.
  reply.header('content-length', String(Buffer.byteLength(payload)));
  return withheld(payload, request.raw, reply.raw);
}

/** Whether a body was announced and has not been read to its end. (`complete` would not do: bytes may wait unread in a buffer.) */
function hasUnreadBody(request: IncomingMessage): boolean {
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers;
  return (encoding !== undefined || (length !== undefined && length !== '0')) && !request.readableEnded && !request.destroyed;
}

/** The answer, whose end comes when the body is drained. */
function withheld(payload: string | Buffer, request: IncomingMessage, response: ServerResponse): Readable {
  const answer = new Readable({ read: () => undefined });
  answer.push(payload);
  drain(request).then((ended) => {
    if (!ended) response.once('finish', () => request.socket.destroy());
    answer.push(null);
  });
  return answer;
}

/** Reads and forgets what is left. False when there was more than {@link drainMs} or {@link drainBytes} allow. */
function drain(request: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    let sizeBytes = 0;
    const stop = (ended: boolean): void => {
      clearTimeout(timer);
      request.off('data', count).off('end', onOver).off('close', onOver);
      resolve(ended);
    };
    const onOver = (): void => stop(true);
    const count = (chunk: Buffer): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > drainBytes) request.pause();
    };
    const timer = setTimeout(() => stop(false), drainMs);
    request.unpipe();
    request.on('data', count).once('end', onOver).once('close', onOver).resume();
    if (request.readableEnded || request.destroyed) onOver();
  });
}
