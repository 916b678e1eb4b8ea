import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MediakeepError } from '../errors.ts';
import type { StoredObject, UploadReceiver, UploadSessions } from '../media/ports.ts';
import { asDiskFailure, onDisk, unless } from './disk-failure.ts';
import { fileMode, folderMode, lookAtObject, type Place, publish, syncFolder } from './disk-object.ts';
import { FileSink, sumUp } from './disk-streams.ts';
import { bytesName, emptyName, heldIn, noSuchSession, superseded, Turn } from './disk-turns.ts';
import { type Failure, pourUntil } from './session-source.ts';

/** What sessions need of the storage that they make objects in. */
export interface DiskTools {
  placeOf(key: string): Place;
  makeShard(shard: string): Promise<void>;
  /** Moves something of an asset out of everybody's reach, and then deletes it. Absent is no error. */
  remove(path: string, id: string): Promise<void>;
}

type Finish = Parameters<UploadReceiver['finish']>[1];
type Append = Parameters<UploadReceiver['append']>[2];

/** What somebody in this process does with a session. */
interface Running {
  stop(reason: Error): void;
  /** Never rejects. */
  readonly end: Promise<unknown>;
}

/**
 * Upload sessions as folders below `sessions/`, which several processes may share: see {@link Turn}. Nothing is kept in memory between requests, so that a session
 * goes on in any process, and after any crash.
 */
export class DiskSessions implements UploadSessions, UploadReceiver {
  readonly receiver = this;
  readonly #tools: DiskTools;
  readonly #running = new Map<string, Running>();

  constructor(tools: DiskTools) {
    this.#tools = tools;
  }

  async open(key: string): Promise<undefined> {
    const place = this.#tools.placeOf(key);
    if ((await onDisk(lookAtObject(place))) !== undefined) throw new Error(`There is an object already: ${key}`);
    await onDisk(makeSession(place));
  }

  async cancel(key: string): Promise<void> {
    const { session, id } = this.#tools.placeOf(key);
    this.#running.get(key)?.stop(noSuchSession());
    await onDisk(this.#tools.remove(session, id));
    await onDisk(forgetParent(session));
  }

  async held(key: string): Promise<number> {
    const place = this.#tools.placeOf(key);
    const held = await onDisk(heldIn(place.session));
    if (held === undefined) throw await noSessionAt(place);
    return held;
  }

  async append(key: string, source: Readable, options: Append): Promise<number> {
    // It may fail once more after we are done with it; without a listener that would end the process.
    source.on('error', () => undefined);
    const place = this.#tools.placeOf(key);
    const { heldBytes, failure } = await this.#alone(key, options.signal, async (signal, stop) => {
      const taken = await Turn.take(place.session, signal);
      if (taken === undefined) throw await noSessionAt(place);
      return await add(taken, source, { ...options, signal, stop });
    });
    if (failure !== undefined) throw failure.error;
    return heldBytes;
  }

  async finish(key: string, options: Finish): Promise<StoredObject> {
    const place = this.#tools.placeOf(key);
    return await this.#alone(key, options.signal, async (signal) => {
      const taken = await Turn.take(place.session, signal);
      if (taken === undefined) return await finishedAt(place, options);
      const { turn } = taken;
      let facts = taken.known;
      try {
        facts = await settle(turn, facts, signal);
        signal.throwIfAborted();
        check(facts, options);
        await turn.seal(facts);
        await this.#tools.makeShard(place.shard);
        await publish(turn.folder, place);
      } catch (error) {
        // That the turn was lost says why something else failed; what else goes wrong now does not.
        await turn.leave(facts).catch((lost: unknown) => {
          if (lost instanceof MediakeepError) throw lost;
        });
        throw error;
      }
      // What cannot be removed now goes with the asset.
      await forget(place.session).catch(() => undefined);
      return facts;
    });
  }

  /** One at a time for a session in this process, where whoever comes later need not wait for looks at the disk: the one before is stopped at once. */
  async #alone<T>(key: string, outer: AbortSignal, work: (signal: AbortSignal, stop: Running['stop']) => Promise<T>): Promise<T> {
    outer.throwIfAborted();
    const before = this.#running.get(key);
    const inner = new AbortController();
    const stop = (reason: Error): void => inner.abort(reason);
    before?.stop(superseded());
    const run = async (): Promise<T> => {
      await before?.end;
      return await work(AbortSignal.any([outer, inner.signal]), stop);
    };
    const running = run();
    const entry = { stop, end: running.catch(() => undefined) };
    this.#running.set(key, entry);
    try {
      return await running;
    } catch (error) {
      throw asDiskFailure(error);
    } finally {
      if (this.#running.get(key) === entry) this.#running.delete(key);
    }
  }
}

/** The folders and the empty file of a session, durable, all at once. One that is there stays as it is. */
async function makeSession({ id, tmp, session }: Place): Promise<void> {
  const parent = dirname(session);
  const draft = join(tmp, `${id}~${randomUUID()}`);
  const bytes = join(draft, emptyName);
  try {
    await mkdir(draft, { mode: folderMode });
    await mkdir(bytes, { mode: folderMode });
    await writeFile(join(bytes, bytesName), '', { flag: 'wx', mode: fileMode });
    for (const folder of [bytes, draft]) await syncFolder(folder);
    await unless(['EEXIST'], mkdir(parent, { mode: folderMode }));
    await unless(['ENOTEMPTY', 'EEXIST'], rename(draft, session));
    for (const folder of [parent, dirname(parent)]) await syncFolder(folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Adds what is wanted of the source. What cannot be made durable is cut off again: it must never be taken for held. */
async function add(
  { turn, known }: { turn: Turn; known: StoredObject },
  source: Readable,
  { offset, limitBytes, signal, stop }: Append & { stop: Running['stop'] },
): Promise<{ heldBytes: number; failure: Failure | undefined }> {
  const unwatch = turn.watch(stop);
  let facts = known;
  try {
    return await withFile(turn.path, async (file) => {
      facts = await sumUp(file, known, signal);
      signal.throwIfAborted();
      const begun = facts;
      if (offset > begun.sizeBytes)
        throw new RangeError(`Bytes from ${offset} on do not join the ${begun.sizeBytes} that are held`);
      const sink = new FileSink(file, begun);
      const skipBytes = begun.sizeBytes - offset;
      const failure = await pourUntil(source, sink, { skipBytes, roomBytes: Math.max(0, limitBytes - begun.sizeBytes), signal });
      await sink.settled();
      // After a failed write there may be more in the file than the sink knows of.
      const added = await sumUp(file, sink.facts(), neverAborted);
      await file.datasync().catch(async (error: unknown) => {
        await file.truncate(begun.sizeBytes);
        throw error;
      });
      facts = added;
      return { heldBytes: facts.sizeBytes, failure };
    });
  } finally {
    unwatch();
    await turn.leave(facts);
  }
}

/** The bytes as they are on the disk now, all of them; what is summed up when the signal aborts. */
async function settle(turn: Turn, known: StoredObject, signal: AbortSignal): Promise<StoredObject> {
  return await withFile(turn.path, async (file) => {
    const facts = await sumUp(file, known, signal);
    await file.datasync();
    return facts;
  });
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r+');
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

function check({ sizeBytes, crc32c }: StoredObject, wanted: Finish): void {
  if (sizeBytes !== wanted.sizeBytes) throw new RangeError(`${sizeBytes} bytes where ${wanted.sizeBytes} were announced`);
  if (wanted.crc32c !== undefined && crc32c !== wanted.crc32c)
    throw new MediakeepError('INVALID_MEDIA', 'The bytes that arrived are not those that were sent: their checksum differs.');
}

/** What the session has made before. */
async function finishedAt(place: Place, wanted: Finish): Promise<StoredObject> {
  const found = await lookAtObject(place);
  if (found === undefined) throw await noSessionAt(place);
  const { sizeBytes, crc32c } = found;
  check({ sizeBytes, crc32c }, wanted);
  return { sizeBytes, crc32c };
}

/** On a volume that is not mounted every session is absent: that must not pass for its end. */
async function noSessionAt({ tmp }: Place): Promise<MediakeepError> {
  await onDisk(lstat(tmp));
  return noSuchSession();
}

/** Removes what an object's session leaves: marks of those who waited for their turn. */
async function forget(session: string): Promise<void> {
  await rm(session, { recursive: true, force: true });
  await forgetParent(session);
}

async function forgetParent(session: string): Promise<void> {
  const parent = dirname(session);
  // The asset may have another session.
  await unless(['ENOENT', 'ENOTEMPTY', 'EEXIST'], rmdir(parent));
  await syncFolder(dirname(parent));
}

const neverAborted = new AbortController().signal;
