import type { Readable, Writable } from 'node:stream';

/** Why a source was not read to its end. */
export interface Failure {
  readonly error: unknown;
}

/** Which of a source's bytes are wanted. */
export interface Wanted {
  /** Of the first ones, this many are not. */
  readonly skipBytes: number;
  /** After those no more than this many: then it fails with RangeError. */
  readonly roomBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Moves a source's bytes into a sink and ends that, whatever becomes of the source: a pipeline would throw away what had arrived before a failure. Never rejects:
 * tells what failed, be it the source, the sink or the signal. Leaves the source paused, and does not destroy it.
 */
export async function pourUntil(source: Readable, sink: Writable, wanted: Wanted): Promise<Failure | undefined> {
  const failure = await new Pouring(source, sink, wanted).end;
  const closed = Promise.withResolvers<void>();
  sink.once('close', closed.resolve);
  if (sink.closed) closed.resolve();
  sink.end();
  await closed.promise;
  return failure ?? (sink.errored === null ? undefined : { error: sink.errored });
}

class Pouring {
  /** Resolves when no more will be moved. */
  readonly end: Promise<Failure | undefined>;
  readonly #source: Readable;
  readonly #sink: Writable;
  #skipBytes: number;
  #roomBytes: number;
  #stop: (failure?: Failure) => void = () => undefined;

  constructor(source: Readable, sink: Writable, { skipBytes, roomBytes, signal }: Wanted) {
    this.#source = source;
    this.#sink = sink;
    this.#skipBytes = skipBytes;
    this.#roomBytes = roomBytes;
    this.end = this.#listen(signal);
  }

  #listen(signal: AbortSignal): Promise<Failure | undefined> {
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
    const onData = (piece: Buffer): void => this.#take(piece);
    const onEnd = (): void => this.#stop();
    const onError = (error: unknown): void => this.#stop({ error });
    const onClose = (): void => this.#stop({ error: this.#source.errored ?? new Error('The stream closed before its end') });
    const onAbort = (): void => this.#stop({ error: signal.reason });
    const onDrain = (): unknown => this.#source.resume();
    this.#stop = (failure) => {
      this.#source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose).pause();
      this.#sink.off('drain', onDrain);
      signal.removeEventListener('abort', onAbort);
      resolve(failure);
    };
    this.#sink.on('drain', onDrain).on('error', onError);
    this.#source.on('end', onEnd).on('error', onError).on('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    // Nothing more will be heard of a source that is over when it is handed over.
    else if (this.#source.readableEnded || this.#source.closed) onClose();
    else this.#source.on('data', onData);
    return promise;
  }

  #take(piece: Buffer): void {
    const skipped = Math.min(this.#skipBytes, piece.length);
    this.#skipBytes -= skipped;
    const fitting = piece.subarray(skipped, skipped + this.#roomBytes);
    this.#roomBytes -= fitting.length;
    if (fitting.length > 0 && !this.#sink.write(fitting)) this.#source.pause();
    if (skipped + fitting.length < piece.length) this.#stop({ error: new RangeError('More bytes than were announced') });
  }
}
