import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MediakeepError } from '../errors.ts';
import type { StoredObject } from '../media/ports.ts';
import { diskFailure, unless } from './disk-failure.ts';
import { checksumName, checksumPattern, fileMode, writeDraft } from './disk-object.ts';
import { FileSource } from './disk-streams.ts';
import { hasEnded, processMark } from './process-mark.ts';

/** How often whoever waits for a turn looks, and how often whoever has it looks whether another waits, in milliseconds. */
const lookEveryMs = { waiting: 50, writing: 500 };

/** Who was asked to leave and has not left within this time is taken for dead, in milliseconds. A mistake costs a copy, and nothing else. */
const patienceMs = 3_000;

/** How often something that others rename meanwhile is looked for. */
const mostLooks = 10;

/** Of the file that grows. */
export const bytesName = 'bytes';

/** A session's bytes, while nobody has the turn: their folder's name says what they are. */
const freePattern = /^free~(\d{1,16})~([0-9a-f]{8})$/;

/** And while somebody has it, who also tells what process that is, if it can be told. */
const heldPattern = /^held~([^~]+)(?:~([^~]+))?$/;

/**
 * The turn at a session: who has it is the only one to write, and keeps it for one request. The session's folder holds one folder with the bytes, whose
 * name tells whose turn it is: `free~<size>~<CRC32C>` or `held~<turn>~<process>`. A turn is taken, given back and published by renaming that folder, so that of
 * several who try one succeeds, and a path through it leads nowhere for whoever has lost it.
 *
 * A file that is open stays writable whatever becomes of its path. So whoever takes a turn that was not given back goes on in a copy, unless the process that
 * had it has certainly ended: what the other still writes, at whatever time, changes nothing that can be published.
 */
export class Turn {
  readonly #session: string;
  readonly #id = randomUUID();
  /** Without the process, as long as somebody who had the turn before may still write: then nobody may go on without a copy. */
  #name = `held~${this.#id}`;

  private constructor(session: string) {
    this.#session = session;
  }

  /**
   * Waits for the turn: asks whoever has it to leave, and takes it from them when they have ended, or have not left after a few seconds. Resolves with the turn and
   * what is known of its bytes, or with undefined when there is no such session. Rejects with the signal's reason, or as the file system fails.
   */
  static async take(session: string, signal: AbortSignal): Promise<{ turn: Turn; known: StoredObject } | undefined> {
    const turn = new Turn(session);
    let last = { name: '', sinceMs: 0 };
    for (;;) {
      signal.throwIfAborted();
      const name = await bytesFolderOf(session);
      if (name === undefined) return undefined;
      if (name !== last.name) last = { name, sinceMs: performance.now() };
      const known = await turn.#takeFrom(name, last.sinceMs + patienceMs, signal);
      if (known !== undefined) return { turn, known };
    }
  }

  /** Where the bytes' folder is as long as the turn lasts. */
  get folder(): string {
    return join(this.#session, this.#name);
  }

  /** Of the file with the bytes. */
  get path(): string {
    return join(this.folder, bytesName);
  }

  /** What is known of the bytes, if the turn is ours now. */
  async #takeFrom(name: string, deadlineMs: number, signal: AbortSignal): Promise<StoredObject | undefined> {
    const free = factsIn(name);
    const [, holder, mark] = heldPattern.exec(name) ?? [];
    const hasLeft = free !== undefined || (mark !== undefined && (await hasEnded(mark)));
    if (!hasLeft && performance.now() < deadlineMs) {
      await askToLeave(join(this.#session, `leave~${holder}`));
      return undefined;
    }
    const before = join(this.#session, name);
    if (hasLeft) return (await this.#rename(before)) ? (free ?? (await this.#tidy())) : undefined;
    if (!(await renamed(before, this.folder))) return undefined;
    const copied = await this.#copyApart(signal);
    if (await this.#rename(this.folder)) return copied;
    throw await this.#lost();
  }

  /** Takes the bytes' folder, or what it has got already, with the word that nobody else can write to it. False when it is not there. */
  async #rename(from: string): Promise<boolean> {
    const mark = await processMark();
    const name = mark === undefined ? `held~${this.#id}` : `held~${this.#id}~${mark}`;
    if (!(await renamed(from, join(this.#session, name)))) return false;
    this.#name = name;
    return true;
  }

  /** Calls `stop` with a reason, once, when another waits for the turn or it was lost. Returns what ends the watch. */
  watch(stop: (reason: Error) => void): () => void {
    const look = async (): Promise<void> => {
      const names = (await unless(['ENOENT'], readdir(this.#session))) ?? [];
      if (names.includes(this.#leaveName) || !names.includes(this.#name)) stop(await this.#lost());
    };
    // A look that fails is no reason to stop: if the disk is away, the next write says so.
    const timer = setInterval(() => void look().catch(() => undefined), lookEveryMs.writing);
    return () => clearInterval(timer);
  }

  /** Names the bytes by their checksum, as an object's: then {@link folder} is one that can be published. */
  async seal(facts: StoredObject): Promise<void> {
    await rename(this.path, join(this.folder, checksumName(facts.crc32c)));
  }

  /** Gives the turn back; nothing of ours may write any more. Rejects with a MediakeepError when it was lost before. */
  async leave(facts: StoredObject): Promise<void> {
    await unless(['ENOENT'], rename(join(this.folder, checksumName(facts.crc32c)), this.path));
    const isLeft = await renamed(this.folder, join(this.#session, `free~${facts.sizeBytes}~${checksumName(facts.crc32c)}`));
    await rm(join(this.#session, this.#leaveName), { force: true });
    if (!isLeft) throw await this.#lost();
  }

  get #leaveName(): string {
    return `leave~${this.#id}`;
  }

  async #lost(): Promise<MediakeepError> {
    return (await bytesFolderOf(this.#session)) === undefined ? noSuchSession() : superseded();
  }

  /** Takes over what a process has left that has ended. */
  async #tidy(): Promise<StoredObject> {
    const original = await fileIn(this.folder);
    if (original === undefined) throw noSuchSession();
    if (original !== this.path) await rename(original, this.path);
    await this.#removeStrays();
    return { sizeBytes: 0, crc32c: 0 };
  }

  /** Copies that others had begun who had the turn for a moment. */
  async #removeStrays(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      // One that cannot be removed, as NFS keeps a file that is open, does not matter to the object.
      if (name !== bytesName) await rm(join(this.folder, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** Replaces the bytes by a copy, in a file that nobody else has ever opened. */
  async #copyApart(signal: AbortSignal): Promise<StoredObject> {
    const original = await fileIn(this.folder);
    if (original === undefined) throw noSuchSession();
    const draft = join(this.folder, `copy~${this.#id}`);
    try {
      const facts = await writeDraft(draft, await readAll(original), signal);
      await rename(join(draft, checksumName(facts.crc32c)), this.path);
      await this.#removeStrays();
      return facts;
    } catch (error) {
      await rm(draft, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
  }
}

/** How many bytes a session holds, durably, whoever writes; undefined when there is no such session. Fails as the file system fails. */
export async function heldIn(session: string): Promise<number | undefined> {
  // A path that leads nowhere is of a turn that was just taken or given back.
  for (let looks = 0; looks < 10 * mostLooks; looks += 1) {
    const name = await bytesFolderOf(session);
    if (name === undefined) return undefined;
    const path = await fileIn(join(session, name));
    const file = path && (await unless(['ENOENT'], open(path, 'r+')));
    if (file) return await durableSize(file);
    await sleep(5);
  }
  throw diskFailure(new Error('A session has no bytes'));
}

/** The size first: what somebody writes between the two would be counted and not be durable. */
async function durableSize(file: FileHandle): Promise<number> {
  try {
    const { size } = await file.stat();
    await file.datasync();
    return size;
  } finally {
    await file.close();
  }
}

/** The name of the bytes' folder of a session that holds nothing. */
export const emptyName = `free~0~${checksumName(0)}`;

/** NOT_FOUND. */
export function noSuchSession(): MediakeepError {
  return new MediakeepError('NOT_FOUND', 'There is no such upload, or it has ended.');
}

/** What somebody is told whose turn has gone to a newer request. OVERLOADED, because that is nobody's fault: any client can bring it about. */
export function superseded(): MediakeepError {
  return new MediakeepError('OVERLOADED', 'Another request goes on with this upload.', { retryAfterSeconds: 1 });
}

/** A name that changes while the names are read may be missed: so one that is not there is looked for again. */
async function bytesFolderOf(session: string): Promise<string | undefined> {
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const names = await unless(['ENOENT'], readdir(session));
    if (names === undefined) return undefined;
    const name = names.find((each) => /^(free|held)~/.test(each));
    if (name !== undefined) return name;
    await sleep(5);
  }
  return undefined;
}

function factsIn(name: string): StoredObject | undefined {
  const [, sizeBytes, checksum] = freePattern.exec(name) ?? [];
  if (sizeBytes === undefined || checksum === undefined) return undefined;
  return { sizeBytes: Number(sizeBytes), crc32c: Number.parseInt(checksum, 16) };
}

/** The file with the bytes. It has an object's name when a process died, or was held up, just before it made one of it. */
async function fileIn(folder: string): Promise<string | undefined> {
  const names = (await unless(['ENOENT'], readdir(folder))) ?? [];
  const name = names.find((each) => each === bytesName || checksumPattern.test(each));
  return name && join(folder, name);
}

async function readAll(path: string): Promise<FileSource> {
  const file = await open(path, 'r');
  try {
    return new FileSource(file, { start: 0, end: (await file.stat()).size - 1 });
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function askToLeave(mark: string): Promise<void> {
  await unless(['ENOENT'], writeFile(mark, '', { mode: fileMode }));
  await sleep(lookEveryMs.waiting);
}

async function renamed(from: string, to: string): Promise<boolean> {
  return (
    (await unless(
      ['ENOENT'],
      rename(from, to).then(() => true),
    )) ?? false
  );
}
