import { MediakeepError } from '../errors.ts';
import { keyLimits } from './idempotency.ts';
import type { Log } from './ports.ts';

/** How a running upload shows that it lives. */
export interface SignsOfLife {
  readonly assetId: string;
  /** Seconds between two signs. */
  readonly everySeconds: number;
  /** Gives one. False: the upload is somebody else's now. */
  readonly give: () => Promise<boolean>;
  readonly log: Log;
}

/**
 * Runs `work` with signs of life. A process that was frozen for longer than the grace learns so that its upload was given up meanwhile, and the signal
 * aborts with STORAGE_UNAVAILABLE: every byte more would be for nothing.
 */
export async function withSignsOfLife<T>(signs: SignsOfLife, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const givenUp = new AbortController();
  const heartbeat = setInterval(() => void giveOne(signs, givenUp), signs.everySeconds * 1000);
  try {
    return await work(givenUp.signal);
  } finally {
    clearInterval(heartbeat);
  }
}

/** Seconds between two signs of life of an upload: four to a grace, and three to the silence that an idempotency key allows. */
export function signIntervalSeconds(uploadGraceSeconds: number): number {
  return Math.min(uploadGraceSeconds / 4, keyLimits.silenceSeconds / 3);
}

/** STORAGE_UNAVAILABLE: the upload was swept, or taken over. */
export function lostTouch(): MediakeepError {
  return new MediakeepError('STORAGE_UNAVAILABLE', 'The server lost touch with this upload and gave it up. Please try again.');
}

async function giveOne({ assetId, give, log }: SignsOfLife, givenUp: AbortController): Promise<void> {
  try {
    if (!(await give())) givenUp.abort(lostTouch());
  } catch (error) {
    log.warn({ err: error, assetId }, 'A running upload could not give a sign of life');
  }
}
