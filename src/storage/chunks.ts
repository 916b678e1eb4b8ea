import type { Readable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';

/** A part of a source. */
export interface Chunk {
  /** Valid until the next chunk is asked for. */
  readonly bytes: Buffer;
  /** CRC32C of the source up to the end of this chunk. */
  readonly crc32c: number;
  /** Whether the source is known to be over. A source that ends exactly at a chunk's end shows it with an empty last chunk. */
  readonly isLast: boolean;
}

/** What a source of one chunk or less needs at first: most objects are small. */
const firstBytes = 256 * 1024;

/**
 * Cuts a stream into chunks of exactly `chunkBytes` (the last may be shorter or empty), one at a time, holding the source while nobody asks.
 * Copies into one buffer that it uses again: keeping the pieces as they come was measured to save 0.1 s of CPU for a GiB, but a piece may keep
 * a far larger buffer alive, and the collector is late. Listeners rather than an async iterator, which costs two thirds more CPU.
 */
export class ChunkReader {
  readonly #source: Readable;
  readonly #chunkBytes: number;
  #buffer: Buffer;
  #filledBytes = 0;
  #crc32c = 0;
  /** What did not fit into the chunk that was filled last. */
  #rest: Buffer | undefined;
  #isOver = false;
  #failure: { error: unknown } | undefined;
  #wake = (): void => undefined;

  constructor(source: Readable, chunkBytes: number) {
    this.#source = source;
    this.#chunkBytes = chunkBytes;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(firstBytes, chunkBytes));
    source.pause();
    source.on('data', (piece: Buffer) => this.#take(piece));
    source.on('end', () => {
      this.#isOver = true;
      this.#wake();
    });
    source.on('error', (error) => this.#fail(error));
    source.on('close', () => {
      if (!this.#isOver) this.#fail(source.errored ?? closedEarly());
    });
    // Nothing more will be heard of a source that is over when it is handed over. One that failed just now is still to say so itself.
    if (source.readableEnded || source.closed) this.#fail(source.errored ?? closedEarly());
  }

  /** The next chunk. Rejects with the source's failure, or with the signal's reason. */
  async next(signal: AbortSignal): Promise<Chunk> {
    this.#filledBytes = 0;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#take(rest);
    while (this.#filledBytes < this.#chunkBytes && !this.#isOver) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#moved(signal);
    }
    signal.throwIfAborted();
    return {
      bytes: this.#buffer.subarray(0, this.#filledBytes),
      crc32c: this.#crc32c,
      isLast: this.#isOver && this.#rest === undefined,
    };
  }

  #take(piece: Buffer): void {
    this.#makeRoom(piece.length);
    const copied = piece.copy(this.#buffer, this.#filledBytes);
    // While the piece is in the processor's cache: a pass over the whole chunk later costs half as much again.
    this.#crc32c = crc32c(copied < piece.length ? piece.subarray(0, copied) : piece, this.#crc32c);
    this.#filledBytes += copied;
    if (copied < piece.length) this.#rest = piece.subarray(copied);
    if (this.#filledBytes < this.#chunkBytes) return;
    this.#source.pause();
    this.#wake();
  }

  /** At once to the full size: steps on the way would all be garbage. */
  #makeRoom(bytes: number): void {
    if (this.#filledBytes + bytes <= this.#buffer.length || this.#buffer.length === this.#chunkBytes) return;
    const larger = Buffer.allocUnsafeSlow(this.#chunkBytes);
    this.#buffer.copy(larger, 0, 0, this.#filledBytes);
    this.#buffer = larger;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Resolves when the chunk is full, the source over or failed. Rejects with the signal's reason. */
  async #moved(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', resolve as () => void, { once: true });
    this.#source.resume();
    await promise;
    signal.removeEventListener('abort', resolve as () => void);
    signal.throwIfAborted();
  }
}

function closedEarly(): Error {
  return new Error('The stream closed before its end');
}
