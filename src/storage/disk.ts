import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import type { ByteRange, ListedObject, ObjectStorage, PutOptions, StoredObject, UploadSessions } from '../media/ports.ts';
import { asDiskFailure, diskFailure, onDisk, unless } from './disk-failure.ts';
import { idsInOrder } from './disk-list.ts';
import {
  folderMode,
  lookAtObject,
  openObject,
  type Place,
  probe,
  publish,
  SeenChecksums,
  scanObject,
  syncFolder,
  writeDraft,
} from './disk-object.ts';
import { DiskSessions } from './disk-sessions.ts';

/** What in `tmp/` has not changed for so long belongs to no running upload, in milliseconds. */
const staleAfterMs = 24 * 60 * 60 * 1000;

/** What in `sessions/` has not changed for so long belongs to no row, whose sessions end after a week at the latest. In milliseconds. */
const forgottenAfterMs = 14 * 24 * 60 * 60 * 1000;

/** How often a process that runs for months looks for such, in milliseconds. */
const sweepEveryMs = 60 * 60 * 1000;

/** A disk that has not taken a probe file for so long counts as away, in milliseconds. */
const checkPatienceMs = 5_000;

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** One level, and nothing that a path, a shell or a file system without upper case could read in another way. */
const keyPattern = new RegExp(`^(${uuid})/([a-z0-9][a-z0-9._-]{0,99})$`);
const prefixPattern = new RegExp(`^(${uuid})/$`);

/** How the names of what was taken away begin in `tmp/`; those of running uploads begin with the asset's id. */
const gone = 'gone~';

/**
 * Objects as files below one folder, which several processes may share. The bytes of `<asset id>/<name>` are the file
 * `<last two digits of the id>/<asset id>/<name>/<CRC32C in 8 hex digits>`. (The first digits of a UUIDv7 are the time: they would not spread.)
 *
 * An object is a folder with one file, so that one rename makes bytes and checksum visible together. It is atomic and, because a folder
 * cannot be renamed onto one that holds something, create-only. A checksum in a second file would be a second step, with a crash in between.
 *
 * Uploads grow in `tmp/`; what is removed passes through it, out of everybody's reach at once. What clients send in pieces grows in `sessions/<asset id>/<name>`.
 */
export class DiskStorage implements ObjectStorage {
  readonly redirects = false;
  readonly sessions: UploadSessions;
  readonly #root: string;
  readonly #tmp: string;
  readonly #sessions: string;
  /** Folders whose own name is known to be durable. */
  readonly #shards = new Set<string>();
  readonly #seen = new SeenChecksums();
  #sweptAtMs = 0;

  private constructor(root: string) {
    this.#root = root;
    this.#tmp = join(root, 'tmp');
    this.#sessions = join(root, 'sessions');
    this.sessions = new DiskSessions({
      placeOf: (key) => this.#placeOf(key),
      makeShard: (shard) => this.#makeShard(shard),
      remove: async (path, id) => {
        await this.#takeAway(path, id);
        await this.#bury(`${gone}${id}~`);
      },
    });
  }

  /**
   * Makes the folders that are missing, proves that they can be written, and removes what crashed processes left in `tmp/` a day ago or
   * earlier, as it does later now and then. STORAGE_UNAVAILABLE.
   */
  static async open({ root }: { root: string }): Promise<DiskStorage> {
    const storage = new DiskStorage(resolve(root));
    await onDisk(storage.#prepare());
    return storage;
  }

  uriOf(key: string): string {
    return `disk:${key}`;
  }

  /** Keeps neither type nor filename nor metadata: the asset's row has them. */
  async put(key: string, source: Readable, { signal }: PutOptions): Promise<StoredObject> {
    // It may fail once more while it is torn down; without a listener that would end the process.
    source.on('error', () => undefined);
    try {
      const place = this.#placeOf(key);
      if (source.readableEnded) throw new Error('The source was read to its end before it was handed over');
      signal.throwIfAborted();
      return await this.#receive(place, source, signal);
    } catch (error) {
      source.destroy();
      throw error;
    }
  }

  async read(key: string, { range, signal }: { range?: ByteRange; signal: AbortSignal }): Promise<Readable> {
    const opening = openObject(this.#placeOf(key), range, this.#seen);
    try {
      return addAbortSignal(signal, await orAbort(signal, opening));
    } catch (error) {
      opening.then(
        (late) => late.destroy(),
        () => undefined,
      );
      throw error;
    }
  }

  async scan(key: string, see: (piece: Buffer) => void, signal: AbortSignal): Promise<void> {
    try {
      await orAbort(signal, scanObject(this.#placeOf(key), this.#seen, { see, signal }));
    } catch (error) {
      throw asDiskFailure(error);
    }
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const found = await orAbort(signal, onDisk(lookAtObject(this.#placeOf(key))));
    return found && { sizeBytes: found.sizeBytes, crc32c: found.crc32c };
  }

  async removeAll(prefix: string, signal: AbortSignal): Promise<void> {
    const [, id] = prefixPattern.exec(prefix) ?? [];
    if (id === undefined) throw new Error(`Not a prefix: ${JSON.stringify(prefix)}`);
    await orAbort(signal, onDisk(this.#removeAsset(id)));
  }

  /** What is neither an object nor in an asset's folder is not looked at. */
  async *list(signal: AbortSignal): AsyncGenerator<ListedObject> {
    for await (const id of idsInOrder(this.#root, signal)) {
      const { asset } = this.#foldersOf(id);
      for (const name of ((await onDisk(unless(['ENOENT'], readdir(asset)))) ?? []).sort()) {
        const key = `${id}/${name}`;
        const found = keyPattern.test(key) ? await onDisk(lookAtObject(this.#placeOf(key))) : undefined;
        if (found !== undefined) yield { key, ...found };
      }
    }
  }

  async downloadUrl(): Promise<undefined> {
    return undefined;
  }

  /** Writes and removes a small file: a disk that is full, read-only or gone does not take one. Waits 5 s at most. */
  async check(signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.timeout(checkPatienceMs);
    try {
      await orAbort(AbortSignal.any([signal, patience]), onDisk(probe(this.#tmp)));
    } catch (error) {
      throw error === patience.reason ? diskFailure(error) : error;
    }
  }

  async #prepare(): Promise<void> {
    for (const folder of [this.#tmp, this.#sessions]) await mkdir(folder, { recursive: true, mode: folderMode });
    await syncFolder(this.#root);
    // A parent that we may not open is not one in which we have just made the root.
    await unless(['EACCES', 'EPERM'], syncFolder(dirname(this.#root)));
    await this.#sweep();
  }

  #sweepNowAndThen(): void {
    if (Date.now() < this.#sweptAtMs + sweepEveryMs) return;
    // What cannot be removed now can be the next time; whoever writes is not to wait for it.
    this.#sweep().catch(() => undefined);
  }

  /**
   * Age alone decides, by the file system's own clock: on a shared folder a process number or another host's clock proves nothing.
   * An upload it should ever hit, silent for a day, fails as a whole.
   */
  async #sweep(): Promise<void> {
    this.#sweptAtMs = Date.now();
    const nowMs = await probe(this.#tmp);
    await this.#takeStale(this.#tmp, nowMs - staleAfterMs);
    await this.#takeStale(this.#sessions, nowMs - forgottenAfterMs);
    await this.#bury(gone);
  }

  async #takeStale(folder: string, beforeMs: number): Promise<void> {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (!name.startsWith(gone) && (await lastChangeMs(path)) < beforeMs) await this.#takeAway(path, 'stale');
    }
  }

  async #receive(place: Place, source: Readable, signal: AbortSignal): Promise<StoredObject> {
    this.#sweepNowAndThen();
    const draft = join(this.#tmp, `${place.id}~${randomUUID()}`);
    try {
      const stored = await writeDraft(draft, source, signal);
      signal.throwIfAborted();
      await onDisk(this.#makeShard(place.shard));
      await publish(draft, place);
      return stored;
    } catch (error) {
      // What cannot be removed now goes with the asset, or with a later sweep: the first failure is the one to tell.
      await rm(draft, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** Once in this process's life also for a folder that is there: the process that made it may not have made it durable yet. */
  async #makeShard(shard: string): Promise<void> {
    if (this.#shards.has(shard)) return;
    await unless(['EEXIST'], mkdir(shard, { mode: folderMode }));
    await syncFolder(this.#root);
    this.#shards.add(shard);
  }

  /**
   * Uploads of the asset that still run lose their draft, and so fail. Drafts and sessions go first: one that is published before it could be taken
   * away then goes with the asset's folder.
   */
  async #removeAsset(id: string): Promise<void> {
    for (const name of await readdir(this.#tmp)) {
      if (name.startsWith(`${id}~`)) await this.#takeAway(join(this.#tmp, name), id);
    }
    const { shard, asset, sessions } = this.#foldersOf(id);
    await this.#takeAway(sessions, id);
    await this.#takeAway(asset, id);
    await this.#bury(`${gone}${id}~`);
    await Promise.all([unless(['ENOENT'], syncFolder(shard)), syncFolder(this.#sessions), syncFolder(this.#tmp)]);
  }

  /** Moves something out of reach: removed in place, a folder could be filled again meanwhile, and be seen half empty. */
  async #takeAway(path: string, name: string): Promise<void> {
    await unless(['ENOENT'], rename(path, join(this.#tmp, `${gone}${name}~${randomUUID()}`)));
  }

  /** Removes what was taken away, also by others: who finds nothing more to remove may then say that it is gone. */
  async #bury(beginning: string): Promise<void> {
    for (const name of await readdir(this.#tmp)) {
      if (name.startsWith(beginning)) await rm(join(this.#tmp, name), { recursive: true, force: true });
    }
  }

  #placeOf(key: string): Place {
    const [, id, name] = keyPattern.exec(key) ?? [];
    if (id === undefined || name === undefined) throw new Error(`Not a key: ${JSON.stringify(key)}`);
    const { shard, asset, sessions } = this.#foldersOf(id);
    return { key, id, tmp: this.#tmp, shard, asset, object: join(asset, name), session: join(sessions, name) };
  }

  #foldersOf(id: string): { shard: string; asset: string; sessions: string } {
    const shard = join(this.#root, id.slice(-2));
    return { shard, asset: join(shard, id), sessions: join(this.#sessions, id) };
  }
}

/** When a file, or anything in a folder, was last written. Never, for what has just vanished. */
async function lastChangeMs(path: string): Promise<number> {
  const within = (await unless(['ENOENT', 'ENOTDIR'], readdir(path, { recursive: true }))) ?? [];
  const paths = [path, ...within.map((name) => join(path, name))];
  const changes = await Promise.all(paths.map((each) => unless(['ENOENT'], lstat(each))));
  return Math.max(...changes.map((stats) => stats?.mtimeMs ?? 0));
}

/** Waits for `work` no longer than until the signal aborts, and then rejects with its reason: a call to a disk that hangs cannot be called off. */
function orAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
