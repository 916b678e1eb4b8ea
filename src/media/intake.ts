import { createHash, type Hash } from 'node:crypto';
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { MediakeepError } from '../errors.ts';
import type { ImageMemory } from './image-memory.ts';
import type { ByteFacts, MediaKind } from './media-asset.ts';
import { assertAccepted, fileTooLarge, headBytes } from './policy.ts';
import { sniff } from './sniff.ts';

/** A stream whose first bytes were read to tell its type; `rest` still holds what comes after them. */
export class Identified {
  readonly mimeType: string;
  readonly rest: Readable;
  #head: Buffer;

  constructor(mimeType: string, head: Buffer, rest: Readable) {
    this.mimeType = mimeType;
    this.#head = head;
    this.rest = rest;
  }

  /** The first bytes, once: they may be half a megabyte, which must not stay in memory for as long as an upload takes. */
  takeHead(): Buffer {
    const head = this.#head;
    this.#head = nothing;
    return head;
  }
}

const nothing = Buffer.alloc(0);

/**
 * Reads just enough of `source` to tell its real type. UNSUPPORTED_MEDIA_TYPE when `kind` does not accept it, INVALID_MEDIA when there is
 * nothing at all, or the source's own failure. Destroys `source` when it rejects.
 */
export async function identify(source: Readable, kind: MediaKind): Promise<Identified> {
  try {
    const head = await readHead(source);
    if (head.length === 0) throw new MediakeepError('INVALID_MEDIA', 'The file is empty.');
    return new Identified(assertAccepted(kind, await sniff(head.subarray(0, headBytes))), head, source);
  } catch (error) {
    source.destroy();
    throw error;
  }
}

/** Sends all of an identified file through `meter`, which fails as the file fails; destroying `meter` destroys the file's stream. */
export function pour(file: Identified, meter: Meter): void {
  // The head alone may fail the meter, before anybody who reads it has begun to listen.
  meter.on('error', () => undefined);
  meter.write(file.takeHead());
  if (file.rest.readableEnded) meter.end();
  // The failure itself reaches whoever reads `meter`; this callback only has to exist.
  else pipeline(file.rest, meter, () => undefined);
}

/**
 * Counts and hashes what flows through. Fails with FILE_TOO_LARGE at the first byte past the limit, before handing it on.
 * `onArrival` is told the bytes so far every {@link arrivalStepBytes} and once at the end, and holds the flow until it resolves.
 */
export class Meter extends Transform {
  readonly #kind: MediaKind;
  readonly #limitBytes: number;
  readonly #onArrival: ((sizeBytes: number) => Promise<void>) | undefined;
  readonly #hash: Hash = createHash('sha256');
  #sizeBytes = 0;
  #reportedBytes = 0;

  constructor(options: { kind: MediaKind; limitBytes: number; onArrival?: (sizeBytes: number) => Promise<void> }) {
    // A piece as a socket gives it. What waits here outlives V8's nursery when several uploads run at a time.
    super({ highWaterMark: 64 * 1024 });
    this.#kind = options.kind;
    this.#limitBytes = options.limitBytes;
    this.#onArrival = options.onArrival;
  }

  /** What went through. Call it once, after the end. */
  facts(): ByteFacts {
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#limitBytes) return done(fileTooLarge(this.#kind, this.#limitBytes));
    this.#hash.update(chunk);
    if (this.#onArrival === undefined || this.#sizeBytes - this.#reportedBytes < arrivalStepBytes) return done(null, chunk);
    this.#report(this.#onArrival).then(() => done(null, chunk), done);
  }

  override _flush(done: TransformCallback): void {
    if (this.#onArrival === undefined) return done();
    this.#report(this.#onArrival).then(() => done(), done);
  }

  async #report(onArrival: (sizeBytes: number) => Promise<void>): Promise<void> {
    this.#reportedBytes = this.#sizeBytes;
    await onArrival(this.#sizeBytes);
  }
}

/** How many bytes arrive between two reports: a quota of gigabytes is watched closely enough, and a 5 GiB video costs 640 small statements. */
export const arrivalStepBytes = 8 * 1024 * 1024;

/**
 * Holds a whole image in memory, because proving and measuring one needs all of it and an image is small.
 * `memory` bounds what all images together may hold. FILE_TOO_LARGE, OVERLOADED, or the source's own failure; destroys the source when it rejects.
 * The caller gives the memory back by calling `release` or `reuse`, once.
 */
export async function collectImage(file: Identified, limitBytes: number, memory: ImageMemory): Promise<CollectedImage> {
  const hash = createHash('sha256');
  let slab = memory.lend(Math.min(firstSlabBytes, limitBytes));
  let sizeBytes = 0;
  const take = (chunk: Buffer): void => {
    const neededBytes = sizeBytes + chunk.length;
    if (neededBytes > limitBytes) throw fileTooLarge('IMAGE', limitBytes);
    memory.take(chunk.length);
    if (neededBytes > slab.length) slab = grown(slab, { sizeBytes, neededBytes, limitBytes, memory });
    slab.set(chunk, sizeBytes);
    sizeBytes = neededBytes;
    hash.update(chunk);
  };
  try {
    take(file.takeHead());
    await consume(file.rest, take);
  } catch (error) {
    file.rest.destroy();
    memory.give(sizeBytes);
    memory.takeBack(slab);
    throw error;
  }
  const release = (): void => memory.give(sizeBytes);
  const reuse = (): void => {
    release();
    memory.takeBack(slab);
  };
  return { bytes: slab.subarray(0, sizeBytes), facts: { sizeBytes, sha256: hash.digest('hex') }, release, reuse };
}

/** Most pictures fit; a slab that is outgrown is followed by one four times as large, so that no byte is copied often. */
const firstSlabBytes = 256 * 1024;

function grown(
  slab: Buffer,
  {
    sizeBytes,
    neededBytes,
    limitBytes,
    memory,
  }: { sizeBytes: number; neededBytes: number; limitBytes: number; memory: ImageMemory },
): Buffer {
  let nextBytes = slab.length * 4;
  while (nextBytes < neededBytes) nextBytes *= 4;
  const next = memory.lend(Math.min(nextBytes, limitBytes));
  slab.copy(next, 0, 0, sizeBytes);
  memory.takeBack(slab);
  return next;
}

/** Size and hash of bytes that are all there. */
export function factsOf(bytes: Buffer): ByteFacts {
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

export interface CollectedImage {
  /** Valid until `reuse` is called. */
  readonly bytes: Buffer;
  readonly facts: ByteFacts;
  /** Makes room for other images; the bytes stay as they are for whoever may still be reading them. */
  release(): void;
  /** The same, when it is certain that nobody reads the bytes any more: the next image is written over them. */
  reuse(): void;
}

/** Size, SHA-256 and CRC32C of what `scan` shows. FILE_TOO_LARGE at the first byte past the limit, or the failure of `scan`. */
export async function measure(
  scan: (see: (piece: Buffer) => void) => Promise<void>,
  { kind, limitBytes }: { kind: MediaKind; limitBytes: number },
): Promise<ByteFacts & { crc32c: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let checksum = 0;
  await scan((piece) => {
    sizeBytes += piece.length;
    if (sizeBytes > limitBytes) throw fileTooLarge(kind, limitBytes);
    hash.update(piece);
    checksum = crc32c(piece, checksum);
  });
  return { sizeBytes, sha256: hash.digest('hex'), crc32c: checksum };
}

/** Whether `source` brings exactly the bytes that `facts` tell of. Reads no further than it must, and destroys the rest; the source's own failure. */
export async function holdsExactly(source: Readable, facts: ByteFacts): Promise<boolean> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    await consume(source, (chunk) => {
      sizeBytes += chunk.length;
      if (sizeBytes > facts.sizeBytes) throw tooMany;
      hash.update(chunk);
    });
  } catch (error) {
    source.destroy();
    if (error === tooMany) return false;
    throw error;
  }
  return sizeBytes === facts.sizeBytes && hash.digest('hex') === facts.sha256;
}

const tooMany = new Error('More bytes than expected');

/** The first bytes of a paused stream: at least `headBytes`, fewer only when the stream ended. */
function readHead(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    const stop = whenOver(source, (error) => {
      source.off('readable', onReadable);
      const [first = nothing, ...others] = chunks;
      if (error === undefined) resolve(others.length === 0 ? first : Buffer.concat(chunks, length));
      else reject(error);
    });
    const onReadable = (): void => {
      for (let chunk = source.read() as Buffer | null; chunk !== null; chunk = source.read() as Buffer | null) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= headBytes) return stop();
      }
    };
    source.on('readable', onReadable);
  });
}

/** Hands every chunk of a stream to `take`, whose exception ends it. A 'data' listener: an async iterator was measured to cost two thirds more CPU. */
function consume(source: Readable, take: (chunk: Buffer) => void): Promise<void> {
  if (source.readableEnded) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = whenOver(source, (error) => {
      source.off('data', onData).pause();
      if (error === undefined) resolve();
      else reject(error);
    });
    const onData = (chunk: Buffer): void => {
      try {
        take(chunk);
      } catch (error) {
        stop(error);
      }
    };
    source.on('data', onData).resume();
  });
}

/** Calls `over` once: when the stream ends, fails, or closes too early, or when the function it returns is called. */
function whenOver(source: Readable, over: (error?: unknown) => void): (error?: unknown) => void {
  const stop = (error?: unknown): void => {
    source.off('end', onEnd).off('close', onClose);
    // A stream may fail once more while it is being torn down; without a listener that would end the process.
    source.off('error', stop).on('error', () => undefined);
    over(error);
  };
  const onEnd = (): void => stop();
  const onClose = (): void => stop(new Error('The stream closed before its end'));
  source.on('end', onEnd).on('error', stop).on('close', onClose);
  if (source.destroyed && !source.readableEnded)
    queueMicrotask(() => stop(source.errored ?? new Error('The stream closed before its end')));
  return stop;
}
