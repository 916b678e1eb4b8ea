import { setTimeout as sleep } from 'node:timers/promises';
import type { MediaLibrary } from './library.ts';
import type { Log } from './ports.ts';

/** Background work that runs until it is closed. */
export interface BackgroundWork {
  /** Ends the run that is under way, if any, as soon as it can stop, and resolves when it has. */
  close(): Promise<void>;
}

/**
 * Sweeps at once and then every `intervalSeconds` after the last sweep ended, so that slow sweeps never overlap.
 * A sweep that fails is logged and tried again at the next turn.
 */
export function startSweeping(library: MediaLibrary, options: { intervalSeconds: number; log: Log }): BackgroundWork {
  const { intervalSeconds, log } = options;
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sweepOnce(library, stopping.signal, log);
      await pause(intervalSeconds, stopping.signal);
    }
  };
  const running = run();
  return {
    close: async () => {
      stopping.abort(new Error('The process is stopping'));
      await running;
    },
  };
}

async function sweepOnce(library: MediaLibrary, stopping: AbortSignal, log: Log): Promise<void> {
  try {
    const finished = await library.sweep(stopping);
    if (finished > 0) log.info({ finished }, 'Swept: abandoned uploads and unfinished deletions are gone');
  } catch (error) {
    log.warn({ err: error }, 'The sweep could not run; it will try again');
  }
}

/** Alone, this timer is no reason for the process to live. */
async function pause(seconds: number, stopping: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { ref: false, signal: stopping }).catch(() => undefined);
}
