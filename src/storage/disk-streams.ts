import type { FileHandle } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { passedBy } from '../garbage.ts';
import type { ByteRange, StoredObject } from '../media/ports.ts';
import { diskFailure } from './disk-failure.ts';

/** Bytes gathered for one write. Larger batches were measured to save nothing more; an upload holds at most two of them. */
const batchBytes = 512 * 1024;

/** Chunks gathered for one write, so that a source of crumbs, each of which may keep a larger buffer alive, cannot hold much memory. */
const batchChunks = 256;

/** Bytes of one read. */
const readBytes = 256 * 1024;

/** Bytes of one read into memory that is used again. */
const lentBytes = 1024 * 1024;

type Done = (error?: Error | null) => void;

/** A file that is empty yet. */
const nothing: StoredObject = { sizeBytes: 0, crc32c: 0 };

/**
 * Writes a file in large batches and sums it up on the way, from its beginning or on from `begun`. One batch is written while the next is gathered; a source
 * that is faster than the disk waits. Fails with STORAGE_UNAVAILABLE. Leaves the file open.
 */
export class FileSink extends Writable {
  readonly #file: FileHandle;
  #batch: Buffer[] = [];
  #batchedBytes = 0;
  #writing = false;
  /** Called when the write that is under way has ended. */
  #next: Done | undefined;
  #sizeBytes: number;
  #crc32c: number;
  #written: StoredObject;
  /** Of the last write. Never rejects. */
  #end = Promise.resolve();

  constructor(file: FileHandle, begun = nothing) {
    super({ highWaterMark: batchBytes / 2 });
    this.#file = file;
    this.#written = begun;
    this.#sizeBytes = begun.sizeBytes;
    this.#crc32c = begun.crc32c;
  }

  /** The file up to the end of the last whole batch that has reached it: of everything, once the stream has finished. After a failure some more may have. */
  facts(): StoredObject {
    return this.#written;
  }

  /** Resolves when no write is under way (any more), whatever became of it. */
  async settled(): Promise<void> {
    await this.#end;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#crc32c = crc32c(chunk, this.#crc32c);
    this.#sizeBytes += chunk.length;
    this.#batch.push(chunk);
    this.#batchedBytes += chunk.length;
    if (this.#batchedBytes < batchBytes && this.#batch.length < batchChunks) return done();
    this.#afterWrite((error) => {
      if (!error) this.#flush();
      done(error);
    });
  }

  override _final(done: Done): void {
    this.#afterWrite((error) => {
      if (error) return done(error);
      this.#flush();
      this.#afterWrite(done);
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#next = undefined;
    done(error);
  }

  #afterWrite(next: Done): void {
    if (this.#writing) this.#next = next;
    else next();
  }

  #flush(): void {
    const batch = this.#batch;
    const batchedBytes = this.#batchedBytes;
    this.#batch = [];
    this.#batchedBytes = 0;
    this.#writing = true;
    const position = this.#written.sizeBytes;
    const facts = { sizeBytes: this.#sizeBytes, crc32c: this.#crc32c };
    this.#end = writeAll(this.#file, batch, position).then(
      () => {
        this.#written = facts;
        passedBy(batchedBytes);
        this.#wrote();
      },
      (error: unknown) => this.#wrote(diskFailure(error)),
    );
  }

  #wrote(error?: Error): void {
    this.#writing = false;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) next(error);
    else if (error !== undefined) this.destroy(error);
  }
}

/** Reads a range of an open file, which it closes at its end or when it is destroyed. Fails with STORAGE_UNAVAILABLE, also when the file is shorter than the range. */
export class FileSource extends Readable {
  readonly #file: FileHandle;
  #position: number;
  readonly #end: number;

  constructor(file: FileHandle, range: ByteRange) {
    super({ highWaterMark: readBytes });
    this.#file = file;
    this.#position = range.start;
    this.#end = range.end;
  }

  override _read(): void {
    const length = Math.min(readBytes, this.#end + 1 - this.#position);
    if (length === 0) {
      this.push(null);
      return;
    }
    this.#file.read(Buffer.allocUnsafe(length), 0, length, this.#position).then(
      ({ buffer, bytesRead }) => this.#arrived(buffer.subarray(0, bytesRead)),
      (error: unknown) => this.destroy(diskFailure(error)),
    );
  }

  override _destroy(error: Error | null, done: Done): void {
    // Waits for a read that is still under way.
    this.#file.close().then(
      () => done(error),
      (failure: unknown) => done(error ?? diskFailure(failure)),
    );
  }

  #arrived(bytes: Buffer): void {
    // An end in the middle must not pass for the end of the object.
    if (bytes.length === 0) this.destroy(diskFailure(new Error('The file is shorter than it was')));
    this.#position += bytes.length;
    this.push(bytes);
  }
}

/** A write may take fewer bytes than it was given, as it does when the disk fills up: the next one then tells why. */
async function writeAll(file: FileHandle, batch: readonly Buffer[], position: number): Promise<void> {
  let rest = batch;
  for (let at = position; rest.length > 0; ) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = after(rest, bytesWritten);
  }
}

function after(batch: readonly Buffer[], count: number): readonly Buffer[] {
  let skip = count;
  const first = batch.findIndex((chunk) => {
    if (skip < chunk.length) return true;
    skip -= chunk.length;
    return false;
  });
  if (first === -1) return [];
  return batch.slice(first).map((chunk, index) => (index === 0 ? chunk.subarray(skip) : chunk));
}

/**
 * What a file holds, when its beginning is known: reads the rest of it. Stops where it is when the signal aborts. Fails as the file system fails.
 */
export async function sumUp(file: FileHandle, known: StoredObject, signal: AbortSignal): Promise<StoredObject> {
  const { size } = await file.stat();
  let { sizeBytes, crc32c: sum } = known.sizeBytes <= size ? known : nothing;
  const see = (piece: Buffer): void => {
    sum = crc32c(piece, sum);
    sizeBytes += piece.length;
  };
  await scanFile(file, { start: sizeBytes, end: size - 1 }, { see, signal });
  return { sizeBytes, crc32c: sum };
}

/** Shows a range of a file, by memory that is used again for each piece. Stops where it is when the signal aborts. Fails as the file system fails. */
export async function scanFile(
  file: FileHandle,
  { start, end }: ByteRange,
  { see, signal }: { see: (piece: Buffer) => void; signal: AbortSignal },
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(lentBytes, Math.max(0, end + 1 - start)));
  for (let position = start; position <= end && !signal.aborted; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end + 1 - position), position);
    if (bytesRead === 0) throw diskFailure(new Error('The file is shorter than it was'));
    if (signal.aborted) return;
    see(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
