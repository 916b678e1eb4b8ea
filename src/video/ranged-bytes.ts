import { MediakeepError } from '../errors.ts';
import type { RandomAccessBytes } from '../media/ports.ts';
import { malformed, truncated } from './refusals.ts';

/** How much of one file a probe may read. */
export interface ReadLimits {
  /** Bytes in all. An index of a five-hour film has a few MiB; 32 MiB hold more than a day. */
  readonly sizeBytes: number;
  /** Reads in all, each a request to the storage. */
  readonly count: number;
}

/**
 * A file's bytes, read in few pieces and within limits: a small read fetches {@link aheadBytes} at once, and what was fetched is kept.
 */
export class RangedBytes {
  readonly sizeBytes: number;
  /** What `read` rejected with when the source or the signal was the reason, and not the file. */
  failure: { readonly error: unknown } | undefined;
  readonly #source: RandomAccessBytes;
  readonly #signal: AbortSignal;
  readonly #kept: Piece[] = [];
  #keptBytes = 0;
  #readsLeft: number;
  #bytesLeft: number;

  constructor(source: RandomAccessBytes, options: { signal: AbortSignal; limits: ReadLimits }) {
    this.sizeBytes = source.sizeBytes;
    this.#source = source;
    this.#signal = options.signal;
    this.#readsLeft = options.limits.count;
    this.#bytesLeft = options.limits.sizeBytes;
  }

  /** How many more requests may be made. */
  get readsLeft(): number {
    return this.#readsLeft;
  }

  /**
   * Exactly `sizeBytes` bytes from `start`. INVALID_MEDIA when they are not all in the file or the limits are used up;
   * the source's failure as it came, an abort as its reason, and that of a timeout as STORAGE_UNAVAILABLE.
   */
  async read(start: number, sizeBytes: number): Promise<Buffer> {
    if (start + sizeBytes > this.sizeBytes) throw truncated();
    const kept = this.#kept.find((piece) => piece.start <= start && start + sizeBytes <= piece.start + piece.bytes.length);
    const piece = kept ?? (await this.#fetch(start, Math.min(Math.max(sizeBytes, aheadBytes), this.sizeBytes - start)));
    return piece.bytes.subarray(start - piece.start, start - piece.start + sizeBytes);
  }

  async #fetch(start: number, sizeBytes: number): Promise<Piece> {
    if (this.#readsLeft < 1 || sizeBytes > this.#bytesLeft) throw malformed('more to read than a probe may');
    this.#readsLeft -= 1;
    this.#bytesLeft -= sizeBytes;
    const bytes = await this.#ask({ start, end: start + sizeBytes - 1 });
    if (bytes.length !== sizeBytes) throw unavailable('The storage did not hand out the whole file.', undefined);
    const piece = { start, bytes };
    this.#keep(piece);
    return piece;
  }

  async #ask(range: { start: number; end: number }): Promise<Buffer> {
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(this.#signal.reason);
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#signal.throwIfAborted();
      return await Promise.race([this.#source.read(range), promise]);
    } catch (error) {
      if ((error as { name?: unknown } | null)?.name === 'TimeoutError')
        throw unavailable('The storage took too long to hand out the video.', error);
      this.failure = { error };
      throw error;
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  #keep(piece: Piece): void {
    this.#kept.push(piece);
    this.#keptBytes += piece.bytes.length;
    while (this.#keptBytes > keptBytes && this.#kept.length > 1) this.#keptBytes -= this.#kept.shift()?.bytes.length ?? 0;
  }
}

/** How much a small read fetches: most containers' heads, and a storage's answer takes as long for a byte. */
export const aheadBytes = 64 * 1024;

/** How much stays in memory: the largest index, and some headers. */
const keptBytes = 34 * 1024 * 1024;

interface Piece {
  readonly start: number;
  readonly bytes: Buffer;
}

function unavailable(what: string, cause: unknown): MediakeepError {
  return new MediakeepError('STORAGE_UNAVAILABLE', `${what} Please try again.`, { cause });
}
