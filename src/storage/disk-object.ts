import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MediakeepError } from '../errors.ts';
import type { ByteRange, StoredObject } from '../media/ports.ts';
import { diskFailure, hasCode, onDisk, unless } from './disk-failure.ts';
import { FileSink, FileSource, scanFile } from './disk-streams.ts';

/** Nobody but the server's own user has any business in the storage's folders. */
export const folderMode = 0o700;

/** Nor in its files. */
export const fileMode = 0o600;

/** The one file of an object's folder is named by its CRC32C. Anything else, such as what NFS leaves of an open file, is not the object. */
export const checksumPattern = /^[0-9a-f]{8}$/;

/** The name of the file with an object's bytes. */
export function checksumName(crc32c: number): string {
  return crc32c.toString(16).padStart(8, '0');
}

/** Where an object lies: absolute paths of its folder and the two above. */
export interface Place {
  readonly key: string;
  /** Of the asset. */
  readonly id: string;
  /** Is there as long as the storage is. */
  readonly tmp: string;
  /** Holds the assets whose id ends in the same two digits. */
  readonly shard: string;
  /** Holds the objects of one asset. */
  readonly asset: string;
  /** Holds the bytes, in one file. */
  readonly object: string;
  /** Of the upload session that may make the object (disk-turns.ts). */
  readonly session: string;
}

/**
 * Fills the new folder `draft` with all of `source`: one file, durable, named by the CRC32C of what was written, its size checked.
 * STORAGE_UNAVAILABLE, the source's failure or the signal's reason; the draft is then the caller's to remove.
 */
export async function writeDraft(draft: string, source: Readable, signal: AbortSignal): Promise<StoredObject> {
  await onDisk(mkdir(draft, { mode: folderMode }));
  const path = join(draft, 'incoming');
  const file = await onDisk(open(path, 'wx', fileMode));
  try {
    const sink = new FileSink(file);
    await pour(source, sink, signal);
    const facts = sink.facts();
    await onDisk(settle(file, facts.sizeBytes));
    await onDisk(rename(path, join(draft, checksumName(facts.crc32c))));
    return facts;
  } finally {
    // Waits for a write that is still under way. Everything is on the disk or given up by now.
    await file.close().catch(() => undefined);
  }
}

/** Makes a draft the object at `place`, visible and durable. Rejects, and changes nothing, when there is one already. STORAGE_UNAVAILABLE. */
export async function publish(draft: string, place: Place): Promise<void> {
  await onDisk(unless(['EEXIST'], mkdir(place.asset, { mode: folderMode })));
  try {
    await renameToNew(draft, place);
    await makeDurable(place);
  } catch (error) {
    // Takes an empty folder only: other objects of the asset stay.
    await rmdir(place.asset).catch(() => undefined);
    throw error;
  }
}

/** File names of objects that were opened before, because looking one up costs as much as opening it. What is not there any more is looked up again. */
export class SeenChecksums {
  readonly #seen = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#seen.get(key);
  }

  set(key: string, checksum: string | undefined): void {
    this.#seen.delete(key);
    if (checksum === undefined) return;
    this.#seen.set(key, checksum);
    // A Map keeps the order of insertion: the oldest goes first.
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > mostSeen && oldest !== undefined) this.#seen.delete(oldest);
  }
}

/** About 200 bytes each. */
const mostSeen = 20_000;

/** The object's bytes, or those of a range. NOT_FOUND, STORAGE_UNAVAILABLE. */
export async function openObject(place: Place, range: ByteRange | undefined, seen: SeenChecksums): Promise<Readable> {
  const file = await onDisk(openFile(place, seen));
  if (file === undefined) throw noSuchFile();
  try {
    const { size } = await onDisk(file.stat());
    const { start, end } = range ?? { start: 0, end: size - 1 };
    if (range !== undefined && !(start >= 0 && start <= end && end < size)) {
      throw new RangeError(`Bytes ${start} to ${end} do not lie inside the ${size} of ${place.key}`);
    }
    return new FileSource(file, { start, end });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Shows all of an object's bytes; see {@link scanFile}. NOT_FOUND, STORAGE_UNAVAILABLE, what `see` throws, or the signal's reason. */
export async function scanObject(
  place: Place,
  seen: SeenChecksums,
  { see, signal }: { see: (piece: Buffer) => void; signal: AbortSignal },
): Promise<void> {
  const file = await onDisk(openFile(place, seen));
  if (file === undefined) throw noSuchFile();
  try {
    const { size } = await onDisk(file.stat());
    await scanFile(file, { start: 0, end: size - 1 }, { see, signal });
    signal.throwIfAborted();
  } finally {
    await file.close();
  }
}

/** Size, checksum and the time of the last write, or undefined when there is no such object. Fails as the file system fails. */
export async function lookAtObject(place: Place): Promise<(StoredObject & { readonly updatedAt: Date }) | undefined> {
  const checksum = await checksumOf(place);
  if (checksum === undefined) return undefined;
  const stats = await unless(['ENOENT'], lstat(join(place.object, checksum)));
  return stats && { sizeBytes: stats.size, crc32c: Number.parseInt(checksum, 16), updatedAt: stats.mtime };
}

function noSuchFile(): MediakeepError {
  return new MediakeepError('NOT_FOUND', 'The file is not there any more.');
}

/** Makes the names in a folder durable. Network file systems that refuse it (EINVAL, ENOTSUP) see to that themselves. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await unless(['EINVAL', 'ENOTSUP'], folder.sync());
  } finally {
    await folder.close();
  }
}

/** Proves that a file can be made, filled and removed in a folder. Returns the file system's own time, in milliseconds. */
export async function probe(folder: string): Promise<number> {
  const path = join(folder, `probe~${randomUUID()}`);
  const file = await open(path, 'wx', fileMode);
  try {
    await file.writeFile('mediakeep');
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

async function pour(source: Readable, sink: FileSink, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(source, sink, { signal });
  } catch (error) {
    // The pipeline wraps the reason of an abort; every other failure it passes on as it came.
    throw signal.aborted && hasCode(error, 'ABORT_ERR') ? signal.reason : error;
  }
}

/** fdatasync: of what stat tells, only the size has to last. */
async function settle(file: FileHandle, sizeBytes: number): Promise<void> {
  await file.datasync();
  const { size } = await file.stat();
  if (size !== sizeBytes) throw new Error(`The file has ${size} bytes where ${sizeBytes} were written`);
}

/** Atomic, and create-only because a folder cannot be renamed onto one that holds something. */
async function renameToNew(draft: string, place: Place): Promise<void> {
  try {
    await rename(draft, place.object);
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw new Error(`There is an object already: ${place.key}`, { cause: error });
    throw diskFailure(error);
  }
}

/** The names on the way to the object. One that might not outlive a power failure must not stay. */
async function makeDurable({ object, asset, shard }: Place): Promise<void> {
  try {
    await onDisk(Promise.all([object, asset, shard].map(syncFolder)));
  } catch (error) {
    await rm(object, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

async function openFile(place: Place, seen: SeenChecksums): Promise<FileHandle | undefined> {
  const remembered = seen.get(place.key);
  const file = remembered === undefined ? undefined : await unless(['ENOENT'], open(join(place.object, remembered), 'r'));
  if (file !== undefined) return file;
  const checksum = await checksumOf(place);
  seen.set(place.key, checksum);
  return checksum === undefined ? undefined : await unless(['ENOENT'], open(join(place.object, checksum), 'r'));
}

async function checksumOf({ object, tmp }: Place): Promise<string | undefined> {
  const names = await unless(['ENOENT'], readdir(object));
  // On a volume that is not mounted every object is absent: that must fail, or it would pass for a deletion.
  if (names === undefined) await lstat(tmp);
  return names?.find((name) => checksumPattern.test(name));
}
