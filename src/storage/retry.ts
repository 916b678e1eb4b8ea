import { setTimeout as sleep } from 'node:timers/promises';
import { BucketFault } from './gcs-failure.ts';

/** How long a step is tried. All in milliseconds. */
export interface Patience {
  /** The first pause is at most this long; the limit doubles with every try, with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** From the first failure on, without progress for so long, no other try is begun. */
  readonly deadlineMs: number;
  /** One small request. */
  readonly callMs: number;
}

/** A connection may be this slow, in bytes a second, and a request with a body still ends within its limit. */
const slowestBytesPerSecond = 64 * 1024;

/** What limits one try. */
export interface Limits {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** The limits of a request that sends so many bytes. */
export function forSending(bytes: number, { limitMs, signal }: Limits): Limits {
  return { limitMs: limitMs + (bytes / slowestBytesPerSecond) * 1000, signal };
}

/** Counts the failures of one step; {@link again} pauses before the next try or rethrows when patience is over. */
export class Retrier {
  readonly #patience: Patience;
  readonly #signal: AbortSignal;
  #giveUpAt: number | undefined;
  #failures = 0;

  constructor(patience: Patience, signal: AbortSignal) {
    this.#patience = patience;
    this.#signal = signal;
  }

  /** What a small request may take. The last one may so outlast the deadline: cut short it would only hide why the others failed. */
  get limits(): Limits {
    return { limitMs: this.#patience.callMs, signal: this.#signal };
  }

  /** Something moved: the count begins anew. */
  progressed(): void {
    this.#failures = 0;
    this.#giveUpAt = undefined;
  }

  /** Pauses before another try. Rethrows `failure` when it is not worth one or when patience would end meanwhile; rejects with the signal's reason. */
  async again(failure: unknown): Promise<void> {
    if (!(failure instanceof BucketFault) || !failure.isTransient) throw failure;
    const { firstPauseMs, longestPauseMs, deadlineMs } = this.#patience;
    this.#giveUpAt ??= performance.now() + deadlineMs;
    const backoffMs = Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    const pauseMs = Math.max(backoffMs, failure.retryAfterMs ?? 0);
    this.#failures += 1;
    if (performance.now() + pauseMs >= this.#giveUpAt) throw failure;
    await pause(pauseMs, this.#signal);
  }
}

/** Tries `step` until it succeeds, fails for good, or patience is over. */
export async function withRetries<T>(step: (limits: Limits) => Promise<T>, patience: Patience, signal: AbortSignal): Promise<T> {
  const retrier = new Retrier(patience, signal);
  for (;;) {
    try {
      return await step(retrier.limits);
    } catch (error) {
      await retrier.again(error);
    }
  }
}

/** Waits for work that cannot be called off no longer than its limits: rejects with what `late` makes, or with the signal's reason. */
export async function inTime<T>(work: Promise<T>, { limitMs, signal }: Limits, late: () => Error): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), limitMs);
  try {
    return await orAbort(Promise.race([work, end]), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for work that cannot be called off until the signal aborts, and then rejects with its reason. */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw signal.reason;
  }
}
