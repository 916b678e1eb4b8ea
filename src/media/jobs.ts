import type { MediaLibrary } from './library.ts';
import type { Log } from './ports.ts';

/** Background work that runs until it is closed. */
export interface BackgroundWork {
  /** Resolves when the run that is under way, if any, is over. */
  close(): Promise<void>;
}

/**
 * Sweeps at once and then every `intervalSeconds` after the last sweep ended, so that slow sweeps never overlap.
 * A sweep that fails is logged and tried again at the next turn.
 */
export function startSweeping(library: MediaLibrary, options: { intervalSeconds: number; log: Log }): BackgroundWork {
  const { intervalSeconds, log } = options;
  const stopping = Promise.withResolvers<void>();
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      await sweepOnce(library, log);
      await Promise.race([stopping.promise, pause(intervalSeconds)]);
    }
  };
  const running = run();
  return {
    close: async () => {
      stopped = true;
      stopping.resolve();
      await running;
    },
  };
}

async function sweepOnce(library: MediaLibrary, log: Log): Promise<void> {
  try {
    const finished = await library.sweep();
    if (finished > 0) log.info({ finished }, 'Swept: abandoned uploads and unfinished deletions are gone');
  } catch (error) {
    log.warn({ err: error }, 'The sweep could not run; it will try again');
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    // Alone, this timer is no reason for the process to live.
    setTimeout(resolve, seconds * 1000).unref();
  });
}
