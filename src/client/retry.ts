import { MediakeepError } from './errors.ts';

/** How often something is tried, and how patiently. */
export interface RetryOptions {
  /** Tries in all, 1 for none again; of a session upload in a row without progress. Default 6. */
  readonly attempts?: number | undefined;
  /** The first wait, in milliseconds; each next one is twice as long, and each is varied by chance. Default 500. */
  readonly minDelayMs?: number | undefined;
  /** The longest wait, in milliseconds; a server that asks for more of it is given up. Default 30,000. */
  readonly maxDelayMs?: number | undefined;
}

/** Counts tries, and waits between them. */
export class Patience {
  readonly #attempts: number;
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;

  constructor({ attempts = 6, minDelayMs = 500, maxDelayMs = 30_000 }: RetryOptions = {}, signal?: AbortSignal) {
    this.#attempts = attempts;
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#signal = signal;
  }

  /** Something went well: what failed before no longer counts. */
  renew(): void {
    this.#failures = 0;
  }

  /** Waits before another try. Rejects with `error` when it is not worth one or there were enough, and with the signal's reason when that aborts. */
  async afterFailure(error: unknown, isWorthwhile: (error: unknown) => boolean = isPassing): Promise<void> {
    this.#signal?.throwIfAborted();
    const askedMs = error instanceof MediakeepError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    this.#failures += 1;
    if (!isWorthwhile(error) || this.#failures >= this.#attempts || askedMs > this.#maxDelayMs) throw error;
    const delayMs = Math.min(this.#minDelayMs * 2 ** (this.#failures - 1), this.#maxDelayMs) * (0.5 + Math.random() / 2);
    await wait(Math.max(delayMs, askedMs), this.#signal);
  }
}

/** Whether the same request may well be answered otherwise a little later. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof MediakeepError)) return false;
  // While the first request with the same key runs, the server says when to ask again.
  if (error.code === 'IDEMPOTENCY_CONFLICT') return error.retryAfterSeconds !== undefined;
  return error.code === 'NETWORK' || wasNotBegun(error);
}

/** Whether the server, or what stands before it, says that it has not even begun, so that trying again does nothing twice. */
export function wasNotBegun(error: unknown): boolean {
  return error instanceof MediakeepError && ['RATE_LIMITED', 'OVERLOADED', 'STORAGE_UNAVAILABLE'].includes(error.code);
}

/** Tries until it works or `patience` is at its end. */
export async function retrying<T>(patience: Patience, attempt: () => Promise<T>, isWorthwhile = isPassing): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await patience.afterFailure(error, isWorthwhile);
    }
  }
}

/** Waits so long, or until a browser is online again. Rejects with the signal's reason when that aborts. */
function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const scope = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
    const end = (): void => {
      clearTimeout(timer);
      scope.removeEventListener?.('online', end);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, delayMs);
    scope.addEventListener?.('online', end);
    signal?.addEventListener('abort', end);
  });
}
