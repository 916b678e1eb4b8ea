import { MediakeepError } from '../errors.ts';

/** How much may be decoded at once, and how much may wait. */
export interface AdmissionLimits {
  /** Decodes at once. */
  readonly concurrency: number;
  /** Pixels in flight. What is larger than all of it is let in alone. */
  readonly pixelBudget: number;
  /** How many uploads may wait, each with its bytes in memory. */
  readonly queueLength: number;
  /** How long one may wait. */
  readonly queueSeconds: number;
  /** The same for renditions, of which nothing is in memory while they wait, and which a page asks for by the dozen and only once. */
  readonly renditionQueueLength: number;
  readonly renditionQueueSeconds: number;
}

/** Who waits: each line is served in turn, so that neither can keep the other waiting for ever. */
export type Line = 'uploads' | 'renditions';

/** A door that lets decodes in, first come first served in each line, as far as there is room, and turns away whom it could only keep waiting. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #lines: Readonly<Record<Line, Waiting[]>> = { uploads: [], renditions: [] };
  #next: Line = 'uploads';
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
  async run<T>(options: { pixels: number; signal: AbortSignal; line?: Line }, work: () => Promise<T>): Promise<T> {
    const pixels = Math.min(options.pixels, this.#limits.pixelBudget);
    await this.#enter(pixels, options.signal, options.line ?? 'uploads');
    const working = work();
    const leave = (): void => this.#leave(pixels);
    working.then(leave, leave);
    return await unlessAborted(working, options.signal, () => this.#aborted(options.signal));
  }

  async #enter(pixels: number, signal: AbortSignal, line: Line): Promise<void> {
    const { uploads, renditions } = this.#lines;
    const queue = this.#lines[line];
    const [length, seconds] = this.#patienceOf(line);
    if (signal.aborted) throw this.#aborted(signal);
    if (uploads.length + renditions.length === 0 && this.#hasRoom(pixels)) return this.#take(pixels);
    if (queue.length >= length) throw this.#overloaded();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { pixels, enter: resolve };
    const giveUp = (error: unknown): void => {
      queue.splice(queue.indexOf(waiting), 1);
      reject(error);
      // The next may be smaller than the one that gave up.
      this.#admit();
    };
    const timer = setTimeout(() => giveUp(this.#overloaded()), seconds * 1000);
    const onAbort = (): void => giveUp(this.#aborted(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    queue.push(waiting);
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
    for (;;) {
      const other: Line = this.#next === 'uploads' ? 'renditions' : 'uploads';
      const line = this.#lines[this.#next].length > 0 ? this.#next : other;
      const [first] = this.#lines[line];
      // Nobody overtakes the one whose turn it is, or a large picture would wait for ever.
      if (first === undefined || !this.#hasRoom(first.pixels)) return;
      this.#lines[line].shift();
      this.#next = line === 'uploads' ? 'renditions' : 'uploads';
      this.#take(first.pixels);
      first.enter();
    }
  }

  #patienceOf(line: Line): readonly [length: number, seconds: number] {
    const { queueLength, queueSeconds, renditionQueueLength, renditionQueueSeconds } = this.#limits;
    return line === 'uploads' ? [queueLength, queueSeconds] : [renditionQueueLength, renditionQueueSeconds];
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
