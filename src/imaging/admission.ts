import { MediakeepError } from '../errors.ts';

/** How much may be decoded at once, and how much may wait. */
export interface AdmissionLimits {
  /** Decodes at once. */
  readonly concurrency: number;
  /** Pixels in flight. What is larger than all of it is let in alone. */
  readonly pixelBudget: number;
  /** How many may wait. */
  readonly queueLength: number;
  /** How long one may wait. */
  readonly queueSeconds: number;
}

/** A door that lets decodes in, first come first served, as far as there is room, and turns away whom it could only keep waiting. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #queue: Waiting[] = [];
  #running = 0;
  #pixels = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` when there is room for `pixels`. OVERLOADED, with Retry-After, when too many wait already, or after waiting too long, be it
   * by the queue's own limit or a `signal` of a timeout; any other abort is rethrown as it came. Room is given back when `work` has really ended,
   * which may be later than an abort.
   */
  async run<T>(options: { pixels: number; signal: AbortSignal }, work: () => Promise<T>): Promise<T> {
    const pixels = Math.min(options.pixels, this.#limits.pixelBudget);
    await this.#enter(pixels, options.signal);
    const working = work();
    const leave = (): void => this.#leave(pixels);
    working.then(leave, leave);
    return await unlessAborted(working, options.signal, () => this.#aborted(options.signal));
  }

  async #enter(pixels: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw this.#aborted(signal);
    if (this.#queue.length === 0 && this.#hasRoom(pixels)) return this.#take(pixels);
    if (this.#queue.length >= this.#limits.queueLength) throw this.#overloaded();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { pixels, enter: resolve };
    const giveUp = (error: unknown): void => {
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      reject(error);
      // The next may be smaller than the one that gave up.
      this.#admit();
    };
    const timer = setTimeout(() => giveUp(this.#overloaded()), this.#limits.queueSeconds * 1000);
    const onAbort = (): void => giveUp(this.#aborted(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(waiting);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #hasRoom(pixels: number): boolean {
    return this.#running < this.#limits.concurrency && this.#pixels + pixels <= this.#limits.pixelBudget;
  }

  #take(pixels: number): void {
    this.#running += 1;
    this.#pixels += pixels;
  }

  #leave(pixels: number): void {
    this.#running -= 1;
    this.#pixels -= pixels;
    this.#admit();
  }

  #admit(): void {
    for (let [first] = this.#queue; first !== undefined && this.#hasRoom(first.pixels); [first] = this.#queue) {
      this.#queue.shift();
      this.#take(first.pixels);
      first.enter();
    }
  }

  #aborted(signal: AbortSignal): unknown {
    const { name } = signal.reason as { name?: unknown };
    return name === 'TimeoutError' ? this.#overloaded(signal.reason) : signal.reason;
  }

  #overloaded(cause?: unknown): MediakeepError {
    return new MediakeepError('OVERLOADED', 'Too many images are being processed right now. Please try again in a moment.', {
      retryAfterSeconds: Math.max(1, Math.ceil(this.#limits.queueSeconds / 2)),
      ...(cause !== undefined && { cause }),
    });
  }
}

interface Waiting {
  readonly pixels: number;
  readonly enter: () => void;
}

/** `working`, or what `reason` says as soon as `signal` fires. */
async function unlessAborted<T>(working: Promise<T>, signal: AbortSignal, reason: () => unknown): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(reason());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([working, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
