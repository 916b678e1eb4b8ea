import { MediakeepError } from '../errors.ts';

/** A number of places for work, taken first come first served. */
export class Places {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` once a place is free. OVERLOADED when `signal` of a timeout fires before; another abort is rethrown as it came. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw overloaded(signal.reason);
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#queue.splice(this.#queue.indexOf(resolve), 1);
      reject(overloaded(signal.reason));
    };
    this.#queue.push(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
}

function overloaded(reason: unknown): unknown {
  if ((reason as { name?: unknown } | null)?.name !== 'TimeoutError') return reason;
  return new MediakeepError('OVERLOADED', 'Too many videos are being processed right now. Please try again in a moment.', {
    cause: reason,
    retryAfterSeconds: 5,
  });
}
