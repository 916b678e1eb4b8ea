import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './server.ts';

/**
 * Launches a server again whenever it ends without having been told to, for as long as that takes; returns what stops it for good, and waits for that.
 * `launch` has to bring it back to the port of the `first` one: whoever uses it only knows that.
 */
export function keepRunning(
  first: Server,
  { launch, log }: { launch: () => Promise<Server>; log: (line: string) => void },
): () => Promise<void> {
  const stopping = new AbortController();
  let server = first;
  const watching = (async () => {
    for (await server.ended; !stopping.signal.aborted; await server.ended) {
      const again = await untilLaunched(launch, stopping.signal, log);
      if (again === undefined) return;
      server = again;
      if (stopping.signal.aborted) await server.stop();
      else log('The embedded PostgreSQL runs again');
    }
  })();
  return async () => {
    stopping.abort();
    await server.stop();
    await watching;
  };
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** Undefined when it is no longer wanted. */
async function untilLaunched(
  launch: () => Promise<Server>,
  stopping: AbortSignal,
  log: (line: string) => void,
): Promise<Server | undefined> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    // Alone, this timer is no reason for our process to live.
    await sleep(pauseMs, undefined, { ref: false, signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return undefined;
    try {
      return await launch();
    } catch (error) {
      log(`The embedded PostgreSQL cannot start again now: ${error instanceof Error ? error.message : error}`);
    }
  }
}
