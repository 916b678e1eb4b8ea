import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import type { ListedObject, UploadReceiver } from '../../src/media/ports.ts';
import { DiskStorage } from '../../src/storage/disk.ts';
import { bytesOf, endlessChunk, stallingAfter, streamOf } from './byte-sources.ts';
import { openFilesBelow } from './open-files.ts';
import { newKey } from './storage-under-test.ts';

const mebibyte = 1024 * 1024;
const total = 6 * mebibyte + 4321;
const bytes = bytesOf(total);
const facts = { sizeBytes: total, crc32c: crc32c(bytes) };
const { signal } = new AbortController();
const announced = { ...facts, contentType: 'video/mp4', filename: 'a.mp4', metadata: {}, origin: undefined, signal };

let root: string;
let storage: DiskStorage;
let key: string;
let children: ChildProcessWithoutNullStreams[];

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'mediakeep-sessions-')));
  storage = await DiskStorage.open({ root });
  key = newKey();
  children = [];
  await storage.sessions.open(key, announced);
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

const session = (): string => join(root, 'sessions', key);

/** Another process's storage on the same folder, as far as one process can show it. */
const elsewhere = async (): Promise<UploadReceiver> => receiverOf(await DiskStorage.open({ root }));

function receiverOf({ sessions: { receiver } }: DiskStorage): UploadReceiver {
  if (receiver === undefined) throw new Error('It has none');
  return receiver;
}

function append(from: number, to = total, receiver = receiverOf(storage)): Promise<number> {
  return receiver.append(key, streamOf(bytes.subarray(from, to)), { offset: from, limitBytes: total, signal });
}

async function expectFinished(receiver = receiverOf(storage)): Promise<void> {
  expect(await receiver.finish(key, { ...facts, signal })).toEqual(facts);
  const stream = await storage.read(key, { signal });
  expect(Buffer.concat(await stream.toArray()).equals(bytes)).toBe(true);
  expect(await readdir(join(root, 'sessions'))).toEqual([]);
  expect(await readdir(join(root, 'tmp'))).toEqual([]);
}

/** A process of its own that adds what is written to it. */
async function writer(
  command: readonly string[] = [],
): Promise<{ child: ChildProcessWithoutNullStreams; says(what: RegExp): Promise<string> }> {
  const script = fileURLToPath(new URL('../support/session-writer.mjs', import.meta.url));
  const [program = '', ...args] = [...command, process.execPath, script, root, key, String(total)];
  const child = spawn(program, args);
  child.stdin.on('error', () => undefined);
  children.push(child);
  let said = '';
  child.stdout.on('data', (piece: Buffer) => {
    said += piece;
  });
  child.stderr.on('data', (piece: Buffer) => {
    said += piece;
  });
  const says = async (what: RegExp): Promise<string> => {
    for (let round = 0; round < 1000; round += 1) {
      const match = what.exec(said);
      if (match !== null) return match[1] ?? match[0];
      await pause(20);
    }
    throw new Error(`It did not say ${what}: ${said}`);
  };
  await says(/AT \d+/);
  return { child, says };
}

/** Waits until the session holds at least so many bytes. */
async function heldAtLeast(sizeBytes: number): Promise<number> {
  for (let round = 0; round < 500; round += 1) {
    const held = await receiverOf(storage).held(key, signal);
    if (held >= sizeBytes) return held;
    await pause(20);
  }
  throw new Error('It never held as many');
}

async function bytesFile(): Promise<string> {
  const [folder = ''] = (await readdir(session())).filter((name) => /^(free|held)/.test(name));
  return join(session(), folder, 'bytes');
}

describe('a session on disk', () => {
  test('goes on in another process, which need not read what it finds', async () => {
    await append(0, 3 * mebibyte);
    const other = await elsewhere();
    expect(await other.held(key, signal)).toBe(3 * mebibyte);
    expect(await readdir(session())).toEqual([`free~${3 * mebibyte}~${checksumIn(bytes.subarray(0, 3 * mebibyte))}`]);
    expect(await append(3 * mebibyte, total, other)).toBe(total);
    await expectFinished(other);
  });

  test.each([
    ['less', mebibyte, bytes.subarray(0, mebibyte)],
    ['more', 5 * mebibyte, bytes.subarray(0, 5 * mebibyte)],
  ])(
    'whose name tells of %s than there is, as a machine that lost its power may leave it, is read anew',
    async (_words, named, of) => {
      await append(0, 3 * mebibyte);
      await rename(join(await bytesFile(), '..'), join(session(), `free~${named}~${checksumIn(of)}`));
      expect(await receiverOf(storage).held(key, signal)).toBe(3 * mebibyte);
      expect(await append(3 * mebibyte)).toBe(total);
      await expectFinished();
    },
  );

  test('is not one of the objects', async () => {
    await append(0);
    const listed: ListedObject[] = [];
    for await (const object of storage.list(signal)) listed.push(object);
    expect(listed).toEqual([]);
  });

  test('goes with its asset, and whoever is adding stops', async () => {
    const { source, given } = stallingAfter(bytes.subarray(0, mebibyte));
    const adding = expect(
      receiverOf(storage).append(key, source, { offset: 0, limitBytes: total, signal }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await given;
    await storage.removeAll(key.slice(0, 37), signal);
    await adding;
    await expect(receiverOf(storage).held(key, signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(append(0)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(receiverOf(storage).finish(key, { ...facts, signal })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await readdir(root, { recursive: true })).toEqual(['sessions', 'tmp']);
  });

  test('keeps what had arrived when the request is called off, and rejects with its reason', async () => {
    const controller = new AbortController();
    const { source, given } = stallingAfter(bytes.subarray(0, 2 * mebibyte));
    const reason = new Error('The server is being stopped');
    const adding = receiverOf(storage).append(key, source, { offset: 0, limitBytes: total, signal: controller.signal });
    const rejected = expect(adding).rejects.toBe(reason);
    await given;
    controller.abort(reason);
    await rejected;
    expect(source.destroyed).toBe(false);
    expect(await receiverOf(storage).held(key, signal)).toBe(2 * mebibyte);
    await append(2 * mebibyte);
    await expectFinished();
  });

  test('rejects with the failure of its source as it came', async () => {
    const failure = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
    const source = new Readable({ read: () => undefined });
    source.push(bytes.subarray(0, 1000));
    const adding = receiverOf(storage).append(key, source, { offset: 0, limitBytes: total, signal });
    const rejected = expect(adding).rejects.toBe(failure);
    await pause(50);
    source.destroy(failure);
    await rejected;
    expect(await receiverOf(storage).held(key, signal)).toBe(1000);
  });

  test('is not finished with another size or checksum, and loses nothing by the try', async () => {
    await append(0, 3 * mebibyte);
    await expect(receiverOf(storage).finish(key, { ...facts, signal })).rejects.toBeInstanceOf(RangeError);
    await append(3 * mebibyte);
    const wrong = { sizeBytes: total, crc32c: facts.crc32c ^ 1, signal };
    await expect(receiverOf(storage).finish(key, wrong)).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
    await expectFinished();
  });

  test('keeps its bytes when its object cannot be made because the key is taken', async () => {
    await append(0);
    await storage.put(key, streamOf(bytesOf(10, 1)), announced);
    await expect(receiverOf(storage).finish(key, { ...facts, signal })).rejects.toThrow('There is an object already');
    expect(await receiverOf(storage).held(key, signal)).toBe(total);
  });

  test('is opened again as it is', async () => {
    await append(0, mebibyte);
    await storage.sessions.open(key, announced);
    expect(await receiverOf(storage).held(key, signal)).toBe(mebibyte);
  });

  test('is finished by a request that comes while another still adds, and that one stops', async () => {
    await append(0);
    const { source, given } = stallingAfter(bytes);
    const adding = receiverOf(storage).append(key, source, { offset: 0, limitBytes: total, signal });
    const stopped = expect(adding).rejects.toMatchObject({ code: 'OVERLOADED' });
    await given;
    await expectFinished();
    await stopped;
  });

  test('fifty broken requests leave no open file', async () => {
    for (let round = 0; round < 50; round += 1) {
      const { source, given } = stallingAfter(bytes.subarray(0, round * 1000));
      const adding = receiverOf(storage)
        .append(key, source, { offset: 0, limitBytes: total, signal })
        .catch(() => undefined);
      await given;
      source.destroy();
      await adding;
    }
    expect(await receiverOf(storage).held(key, signal)).toBe(49_000);
    expect(await openFilesBelow(root)).toEqual([]);
  });

  test('a root that vanished is an unavailable storage, not the end of a session', async () => {
    await rename(root, `${root}.away`);
    const receiver = receiverOf(storage);
    const away = { code: 'STORAGE_UNAVAILABLE' };
    await expect(receiver.held(key, signal)).rejects.toMatchObject(away);
    await expect(append(0)).rejects.toMatchObject(away);
    await expect(receiver.finish(key, { ...facts, signal })).rejects.toMatchObject(away);
    await expect(storage.sessions.open(newKey(), announced)).rejects.toMatchObject(away);
    await expect(storage.sessions.cancel(key, undefined, signal)).rejects.toMatchObject(away);
    await rename(`${root}.away`, root);
    expect(await append(0)).toBe(total);
  });

  test('that nothing has touched for two weeks is swept at the next start; one that is younger stays', async () => {
    const dayMs = 24 * 60 * 60 * 1000;
    const old = newKey();
    await storage.sessions.open(old, announced);
    await age(join(root, 'sessions', old.slice(0, 36)), 14 * dayMs + 60_000);
    await age(join(root, 'sessions', key.slice(0, 36)), 14 * dayMs - 60_000);
    await DiskStorage.open({ root });
    expect(await readdir(join(root, 'sessions'))).toEqual([key.slice(0, 36)]);
  });

  test('takes 256 MiB in constant memory', async () => {
    const sizeBytes = 256 * mebibyte;
    let highest = 0;
    const source = endlessChunk(sizeBytes, () => {
      highest = Math.max(highest, process.memoryUsage().arrayBuffers);
    });
    const before = process.memoryUsage().arrayBuffers;
    const held = await receiverOf(storage).append(key, source, { offset: 0, limitBytes: sizeBytes, signal });
    expect(held).toBe(sizeBytes);
    expect(highest - before).toBeLessThan(32 * mebibyte);
  });
});

describe('processes at one session', () => {
  test('a process that is killed while it adds leaves what it had written, and the next goes on from there', async () => {
    for (const [from, to] of [
      [0, 2 * mebibyte],
      [2 * mebibyte, 5 * mebibyte],
    ] as const) {
      const { child, says } = await writer();
      expect(await says(/AT (\d+)/)).toBe(String(await receiverOf(storage).held(key, signal)));
      child.stdin.write(bytes.subarray(await receiverOf(storage).held(key, signal), to));
      await heldAtLeast(Math.max(from, to - 512 * 1024));
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const held = await receiverOf(storage).held(key, signal);
    const { ino } = await stat(await bytesFile());
    const startMs = performance.now();
    expect(await append(held)).toBe(total);
    // Of a process that has certainly ended nobody waits for an answer, and nothing is copied.
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect((await stat(await bytesFile())).ino).toBe(ino);
    await expectFinished();
  });

  test('one that lives but hears nothing more of its client is asked to leave, and does: nothing is copied', async () => {
    const { child, says } = await writer();
    child.stdin.write(bytes.subarray(0, 2 * mebibyte));
    const held = await heldAtLeast(mebibyte);
    const { ino } = await stat(await bytesFile());
    expect(await append(held)).toBe(total);
    expect(await says(/FAILED \w+/)).toBe('FAILED OVERLOADED');
    expect((await stat(await bytesFile())).ino).toBe(ino);
    await expectFinished();
  });

  test('one that was stopped midway and wakes up later changes nothing that was published', async () => {
    const { child, says } = await writer();
    child.stdin.write(bytes.subarray(0, 2 * mebibyte));
    const held = await heldAtLeast(mebibyte);
    const { ino } = await stat(await bytesFile());
    child.kill('SIGSTOP');
    expect(await append(held)).toBe(total);
    expect((await stat(await bytesFile())).ino).not.toBe(ino);
    await expectFinished();
    child.stdin.write(bytesOf(2 * mebibyte, 9));
    child.kill('SIGCONT');
    expect(await says(/FAILED \w+/)).toBe('FAILED NOT_FOUND');
    await expectUnchanged();
  });

  test('one that wakes up while another still adds is not in its way', async () => {
    const { child, says } = await writer();
    child.stdin.write(bytes.subarray(0, 2 * mebibyte));
    await heldAtLeast(mebibyte);
    child.kill('SIGSTOP');
    await append(0, 3 * mebibyte);
    child.kill('SIGCONT');
    child.stdin.write(bytesOf(mebibyte, 9));
    expect(await says(/FAILED \w+/)).toBe('FAILED OVERLOADED');
    await append(3 * mebibyte);
    await expectFinished();
  });

  test('one that died while it took the bytes from one that was stopped does not vouch for that one', async () => {
    const { child } = await writer();
    child.stdin.write(bytes.subarray(0, 2 * mebibyte));
    const held = await heldAtLeast(mebibyte);
    const { ino } = await stat(await bytesFile());
    child.kill('SIGSTOP');
    // What a process leaves that is killed between taking the turn and having a copy.
    const [taken = ''] = (await readdir(session())).filter((name) => name.startsWith('held~'));
    await rename(join(session(), taken), join(session(), 'held~of-nobody-knows-whom'));
    expect(await append(held)).toBe(total);
    expect((await stat(await bytesFile())).ino).not.toBe(ino);
    await expectFinished();
  });

  test('one that died just before its object was made leaves a session that can be finished', async () => {
    const mark = await markOfADeadProcess();
    await append(0);
    const path = await bytesFile();
    await rename(path, join(path, '..', checksumIn(bytes)));
    await rename(join(path, '..'), join(session(), `held~killed~${mark}`));
    expect(await receiverOf(storage).held(key, signal)).toBe(total);
    await expectFinished();
  });

  test('one that died just after its object was made leaves nothing that matters', async () => {
    await append(0);
    await receiverOf(storage).finish(key, { ...facts, signal });
    await mkdir(session(), { recursive: true });
    await writeFile(join(session(), 'leave~killed'), '');
    expect(await receiverOf(storage).finish(key, { ...facts, signal })).toEqual(facts);
    await expect(receiverOf(storage).held(key, signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await storage.sessions.cancel(key, undefined, signal);
    expect(await readdir(join(root, 'sessions'))).toEqual([]);
    await expectUnchanged();
  });

  test('a disk that fills up is an unavailable storage; what was written stays held, and the upload goes on when there is room', async () => {
    const { child, says } = await writer(['sh', '-c', `ulimit -f ${(2 * mebibyte + 1024) / 512}; exec "$@"`, 'sh']);
    child.stdin.end(bytes);
    expect(await says(/FAILED \w+/)).toBe('FAILED STORAGE_UNAVAILABLE');
    const held = await receiverOf(storage).held(key, signal);
    expect(held).toBe(2 * mebibyte + 1024);
    expect(await append(held)).toBe(total);
    await expectFinished();
  });

  test('two that add, break off and finish as they please never make anything but the right object', async () => {
    const receivers = [receiverOf(storage), await elsewhere()];
    const next = lottery(7);
    const rounds = Array.from({ length: 40 }, async (_, index) => {
      await pause(next() * 5_000);
      const receiver = receivers[index % 2] ?? receiverOf(storage);
      const offset = await receiver.held(key, signal);
      const length = Math.floor(next() * 150_000);
      const source =
        next() < 0.3
          ? stallingAfter(bytes.subarray(offset, offset + length)).source
          : streamOf(bytes.subarray(offset, offset + length));
      const called = AbortSignal.timeout(500 + Math.round(next() * 1_500));
      await receiver.append(key, source, { offset, limitBytes: total, signal: called });
      if (next() < 0.2) await receiver.finish(key, { ...facts, signal });
    });
    for (const round of await Promise.allSettled(rounds)) {
      if (round.status === 'rejected') expect(String(round.reason)).toMatch(/another request|bytes|aborted due to timeout/i);
    }
    const held = await receiverOf(storage).held(key, signal);
    expect(held).toBeGreaterThan(0);
    const file = await open(await bytesFile());
    const content = await file.readFile();
    await file.close();
    expect(content.equals(bytes.subarray(0, held))).toBe(true);
    await append(held);
    const ends = await Promise.all(receivers.map((receiver) => receiver.finish(key, { ...facts, signal })));
    expect(ends).toEqual([facts, facts]);
    await expectFinished();
  }, 30_000);
});

async function expectUnchanged(): Promise<void> {
  const stream = await storage.read(key, { signal });
  expect(Buffer.concat(await stream.toArray()).equals(bytes)).toBe(true);
}

/** As a process that was killed a moment ago marked its turn. */
async function markOfADeadProcess(): Promise<string> {
  const { child } = await writer();
  child.stdin.write('');
  let mark = '';
  for (let round = 0; round < 100 && mark === ''; round += 1) {
    const [name = ''] = (await readdir(session())).filter((each) => each.startsWith('held~'));
    mark = name.split('~')[2] ?? '';
    await pause(20);
  }
  child.kill('SIGKILL');
  await once(child, 'close');
  return mark;
}

async function age(folder: string, ageMs: number): Promise<void> {
  const then = new Date(Date.now() - ageMs);
  const within = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
  for (const path of [folder, ...within]) await utimes(path, then, then);
}

function checksumIn(of: Buffer): string {
  return crc32c(of).toString(16).padStart(8, '0');
}

/** Numbers from 0 to 1 that are the same at every run. */
function lottery(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
