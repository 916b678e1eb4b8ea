import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands before a server, hands everything on as it comes, and counts the bytes of uploads. */
export interface CountingProxy {
  readonly url: string;
  /** Whom it stands before, from now on. */
  standBefore(server: { readonly url: string }): void;
  /** Bytes of bodies that have come in with PUT. */
  putBytes(): number;
  close(): void;
}

/** Opens a proxy on a free port of this machine. A server that cannot be reached, or dies, is a connection that breaks, as it would be without the proxy. */
export async function openCountingProxy(): Promise<CountingProxy> {
  const agent = new Agent({ keepAlive: true });
  let target = '';
  let putBytes = 0;
  const pass = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const { method, headers, url } = incoming;
    const outgoing = request(`${target}${url}`, { method, headers, agent });
    const give = (): unknown => answer.destroy();
    outgoing.on('error', give).on('response', (response) => {
      answer.writeHead(response.statusCode ?? 0, response.rawHeaders);
      response.on('error', give).pipe(answer);
    });
    answer.once('close', () => answer.writableFinished || outgoing.destroy());
    const begin = (): void => {
      if (method === 'PUT') {
        incoming.on('data', (piece: Buffer) => {
          putBytes += piece.length;
        });
      }
      incoming.pipe(outgoing);
    };
    incoming.on('error', () => undefined);
    // Nothing is taken for a server that is not there.
    outgoing.once('socket', (socket) => (socket.connecting ? socket.once('connect', begin) : begin()));
  };
  const proxy = createServer({ requestTimeout: 0 }, pass);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    standBefore({ url }) {
      target = url;
    },
    putBytes: () => putBytes,
    close() {
      proxy.close();
      proxy.closeAllConnections();
      agent.destroy();
    },
  };
}
