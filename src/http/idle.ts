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

function isClientsTurn({ raw }: FastifyRequest, socket: Socket): boolean {
  // A paused body waits for us (backpressure); one that flows waits for the client.
  const owesBody = !raw.complete && raw.readableFlowing === true;
  const owesReading = socket.writableLength > 0;
  return owesBody || owesReading;
}
