import { MediakeepError } from '../errors.ts';

/**
 * The memory that all arriving images share: a bound on their bytes, and the slabs they are gathered in, which are used again. A new buffer
 * for each photo made V8 collect its whole heap at every second one, at a third of what decoding the photo costs.
 */
export class ImageMemory {
  #freeBytes: number;
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;
  #clearing: NodeJS.Timeout | undefined;

  constructor(totalBytes: number) {
    this.#freeBytes = totalBytes;
  }

  /** Reserves bytes. OVERLOADED when there is no room. */
  take(sizeBytes: number): void {
    if (sizeBytes > this.#freeBytes) {
      throw new MediakeepError('OVERLOADED', 'Too many images are arriving at once. Please try again in a moment.', {
        retryAfterSeconds: 2,
      });
    }
    this.#freeBytes -= sizeBytes;
  }

  /** Ends a reservation. */
  give(sizeBytes: number): void {
    this.#freeBytes += sizeBytes;
  }

  /** A buffer of exactly this size, with whatever it held before. Pages that nobody writes to take no memory. */
  lend(sizeBytes: number): Buffer {
    const slab = this.#spare.get(sizeBytes)?.pop();
    if (slab === undefined) return Buffer.allocUnsafeSlow(sizeBytes);
    this.#spareBytes -= sizeBytes;
    return slab;
  }

  /** Takes a lent buffer back. Whoever still reads it would read another's image. */
  takeBack(slab: Buffer): void {
    if (this.#spareBytes + slab.length > mostSpareBytes) return;
    const spare = this.#spare.get(slab.length) ?? [];
    this.#spare.set(slab.length, spare);
    spare.push(slab);
    this.#spareBytes += slab.length;
    this.#clearing ??= setTimeout(() => this.#clear(), idleMs).unref();
    this.#clearing.refresh();
  }

  #clear(): void {
    this.#spare.clear();
    this.#spareBytes = 0;
    this.#clearing = undefined;
  }
}

/** What is kept at most, and for how long without any upload. */
const mostSpareBytes = 64 * 1024 * 1024;
const idleMs = 10_000;
