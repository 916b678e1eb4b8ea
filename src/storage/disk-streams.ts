import type { FileHandle } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { passedBy } from '../garbage.ts';
import type { ByteRange, StoredObject } from '../media/ports.ts';
import { blockBytes, giveBlock, takeBlock } from './blocks.ts';
import { diskFailure } from './disk-failure.ts';

/** What may wait to be copied: a piece as a socket gives it. */
const passedOnBytes = 64 * 1024;

/** Bytes of one read. */
const readBytes = 256 * 1024;

/** Bytes of one read into memory that is used again. */
const lentBytes = 1024 * 1024;

type Done = (error?: Error | null) => void;

/** A file that is empty yet. */
const nothing: StoredObject = { sizeBytes: 0, crc32c: 0 };

const none = Buffer.alloc(0);

/**
 * Writes a file in blocks and sums it up on the way, from its beginning or on from `begun`. One block is written while the next is filled; a source that is
 * faster than the disk waits. What comes in is copied, so that it is garbage at once: what lives until it is written lives too long for V8's nursery when several
 * uploads run at a time, and then costs 25 MiB for each of them. Fails with STORAGE_UNAVAILABLE. Leaves the file open.
 */
export class FileSink extends Writable {
  readonly #file: FileHandle;
  /** Is being filled. */
  #block: Buffer | undefined;
  #filledBytes = 0;
  #writing = false;
  /** Called when the write that is under way has ended. */
  #next: Done | undefined;
  #sizeBytes: number;
  #crc32c: number;
  #written: StoredObject;
  /** Of the last write. Never rejects. */
  #end = Promise.resolve();

  constructor(file: FileHandle, begun = nothing) {
    super({ highWaterMark: passedOnBytes });
    this.#file = file;
    this.#written = begun;
    this.#sizeBytes = begun.sizeBytes;
    this.#crc32c = begun.crc32c;
  }

  /** The file up to the end of the last whole block that has reached it: of everything, once the stream has finished. After a failure some more may have. */
  facts(): StoredObject {
    return this.#written;
  }

  /** Resolves when no write is under way (any more), whatever became of it. */
  async settled(): Promise<void> {
    await this.#end;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    // A whole image: nothing would be gained by copying it.
    if (this.#block === undefined && chunk.length >= blockBytes) {
      this.#count(chunk);
      this.#afterWrite((error) => {
        if (!error) this.#write(chunk, () => undefined);
        done(error);
      });
      return;
    }
    const rest = this.#fill(chunk);
    if (this.#filledBytes < blockBytes) return done();
    this.#afterWrite((error) => {
      if (error) return done(error);
      this.#flush();
      if (rest.length === 0) return done();
      this._write(rest, encoding, done);
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
    if (this.#block !== undefined) giveBlock(this.#block);
    this.#block = undefined;
    done(error);
  }

  #afterWrite(next: Done): void {
    if (this.#writing) this.#next = next;
    else next();
  }

  /** Copies as much as there is room for; answers the rest. */
  #fill(chunk: Buffer): Buffer {
    this.#block ??= takeBlock();
    const copied = chunk.copy(this.#block, this.#filledBytes);
    this.#filledBytes += copied;
    this.#count(chunk.subarray(0, copied));
    return chunk.subarray(copied);
  }

  #count(piece: Buffer): void {
    this.#crc32c = crc32c(piece, this.#crc32c);
    this.#sizeBytes += piece.length;
  }

  #flush(): void {
    const block = this.#block;
    const filled = block?.subarray(0, this.#filledBytes) ?? none;
    this.#block = undefined;
    this.#filledBytes = 0;
    this.#write(filled, () => block && giveBlock(block));
  }

  #write(bytes: Buffer, release: () => void): void {
    this.#writing = true;
    const position = this.#written.sizeBytes;
    const facts = { sizeBytes: this.#sizeBytes, crc32c: this.#crc32c };
    this.#end = writeAll(this.#file, bytes, position)
      .finally(release)
      .then(
        () => {
          this.#written = facts;
          passedBy(bytes.length);
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
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
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
