import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Decides what a socket's silence means while a request runs. There is no limit on how long an upload or a download takes, only on how long
 * nothing at all moves although it is the client's turn: then the connection is cut. Silence while the server works is patience.
 * (Without a request Node itself closes the silent socket.)
 */
export function cutWhenSilent(request: FastifyRequest, reply: FastifyReply, idleMs: number): void {
  reply.raw.on('timeout', (socket: Socket) => {
    if (isClientsTurn(request, socket)) socket.destroy();
    // A socket tells of its silence once; ask again.
    else socket.setTimeout(idleMs);
  });
}

/** So many bytes in so many seconds. */
export interface Pace {
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Cuts the connection of a request whose body comes in more slowly than `slowest`, for a byte now and then would never be silence.
 * A span of time in which we let the client wait even once (backpressure) does not count, so that a slow storage cuts nobody off.
 */
export function cutWhenTrickling({ raw }: FastifyRequest, reply: FastifyReply, slowest: Pace): void {
  const { socket, headers } = raw;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  let seenBytes = socket.bytesRead;
  let clientWaited = false;
  raw.on('pause', () => {
    clientWaited = true;
  });
  const timer = setInterval(() => {
    const isSlow = socket.bytesRead - seenBytes < slowest.bytes && !clientWaited;
    if (isSlow && !raw.complete && raw.readableFlowing === true) socket.destroy();
    seenBytes = socket.bytesRead;
    clientWaited = false;
  }, slowest.seconds * 1000).unref();
  reply.raw.once('close', () => clearInterval(timer));
}

function isClientsTurn({ raw }: FastifyRequest, socket: Socket): boolean {
  // A paused body waits for us (backpressure); one that flows waits for the client.
  const owesBody = !raw.complete && raw.readableFlowing === true;
  const owesReading = socket.writableLength > 0;
  return owesBody || owesReading;
}
