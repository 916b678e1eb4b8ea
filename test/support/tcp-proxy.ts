import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a client and a server, and plays the network's tricks on them. */
export interface TcpProxy {
  readonly port: number;
  /** From now on nothing passes in either direction; new connections are taken and stay silent. */
  hang(): void;
  /** Everything passes again, what was held back included. */
  flow(): void;
  /** Ends every connection and refuses new ones, as a server that is stopped. */
  refuse(): Promise<void>;
  /** Takes connections again, at the same port. */
  accept(): Promise<void>;
  /** Ends every connection at once, as a server that is killed. */
  cut(): void;
  close(): Promise<void>;
}

/** Opens a proxy on a free port of this machine. */
export async function openTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHanging = false;
  const server = createServer((client) => {
    const upstream = connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client]] as const) {
      from.on('data', (chunk: Buffer) => to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (isHanging) from.pause();
    }
  });
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const refuse = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };
  const setHanging = (hangs: boolean): void => {
    isHanging = hangs;
    for (const pair of pairs) for (const socket of pair) hangs ? socket.pause() : socket.resume();
  };
  return {
    port,
    hang: () => setHanging(true),
    flow: () => setHanging(false),
    refuse,
    accept: () => listen(port),
    cut,
    close: async () => {
      if (server.listening) await refuse();
    },
  };
}
