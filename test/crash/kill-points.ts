import { writeSync } from 'node:fs';
import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import { PostgresMediaStore } from '../../src/database/store.ts';
import { IncomingSession } from '../../src/media/incoming-session.ts';
import { MediaLibrary } from '../../src/media/library.ts';
import { HttpClient } from '../../src/storage/http.ts';

/** Where a process is to die: in the next run of an operation, at its n-th step, counted from 1. */
export interface Sentence {
  readonly operation: Operation;
  readonly point: number;
}

/** The operations that change anything; `receive` and `finish` are those of a direct upload's session on this server. */
export type Operation = 'upload' | 'remove' | 'sweep' | 'openLink' | 'createUpload' | 'completeUpload' | 'receive' | 'finish';

/**
 * Wraps everything by which a process changes the world (statements, changes of the file system below `objects`, requests to a bucket) from the
 * outside, so that the process can be killed exactly between any two of them. The shipped code knows nothing of it.
 *
 * What waits for an answer has two points: while it is under way, and after its answer has come but nothing was done with it. (Before it is sent, the world
 * is as the step before left it; only an operation's first has a point there too.)
 */
export function wrapEverything(objects: string): { sentence(sentence: Sentence): void; sweep(): Promise<unknown> } {
  const executioner = new Executioner();
  const sweep = wrapOperations(executioner);
  wrapStatements(executioner);
  wrapFiles(executioner, objects);
  wrapRequests(executioner);
  return { sentence: (sentence) => executioner.expect(sentence), sweep };
}

/** Counts the steps of the operation that is meant, and ends the process at the one that is meant. */
class Executioner {
  #sentence: Sentence | undefined;
  #isRunning = false;
  #passed = 0;

  expect(sentence: Sentence): void {
    this.#sentence = sentence;
    this.#passed = 0;
  }

  begin(operation: Operation): void {
    this.#isRunning = this.#sentence?.operation === operation;
  }

  end(operation: Operation): void {
    if (!this.#isRunning || this.#sentence?.operation !== operation) return;
    this.#isRunning = false;
    this.#sentence = undefined;
    say(`COMPLETED after ${this.#passed} points`);
  }

  /** One place to die at. */
  point(label: string): void {
    if (!this.#isRunning) return;
    this.#passed += 1;
    if (this.#passed === this.#sentence?.point) die(label);
  }

  /** The places to die at around something that waits for an answer. */
  async around<T>(label: string, work: () => Promise<T>): Promise<T> {
    if (this.#passed === 0) this.point(`${label}: not sent`);
    const answer = work();
    if (this.#isRunning && this.#passed + 1 === this.#sentence?.point) {
      this.#isRunning = false;
      // Two turns of the loop: the request has left the process, the answer has not been read.
      answer.catch(() => undefined);
      setImmediate(() => setImmediate(() => die(`${label}: no answer yet`)));
      return await new Promise<never>(() => undefined);
    }
    if (this.#isRunning) this.#passed += 1;
    const result = await answer;
    this.point(`${label}: answered`);
    return result;
  }
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** SIGKILL: no handler, no `finally`, no flush. */
function die(label: string): never {
  say(`KILLED AT ${label}`);
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

type Method = (this: unknown, ...args: never[]) => Promise<unknown>;
type Wrapper = (run: () => Promise<unknown>, args: readonly unknown[], self: unknown) => Promise<unknown>;

/** Replaces a method of a class by one that may do something before and after. */
function wrap(owner: object, name: string, wrapper: Wrapper): void {
  const original = Reflect.get(owner, name) as Method;
  const replacement = function (this: unknown, ...args: never[]): Promise<unknown> {
    return wrapper(() => original.apply(this, args), args, this);
  };
  Object.defineProperty(owner, name, { value: replacement, writable: true, configurable: true });
}

/** Answers how to sweep now: once more what the process did when it started. */
function wrapOperations(executioner: Executioner): () => Promise<unknown> {
  let library: MediaLibrary | undefined;
  for (const operation of ['receive', 'finish'] as const) {
    wrap(IncomingSession.prototype, operation, async (run) => {
      executioner.begin(operation);
      const result = await run();
      executioner.point('the answer: not sent');
      executioner.end(operation);
      return result;
    });
  }
  for (const operation of ['upload', 'remove', 'sweep', 'openLink', 'createUpload', 'completeUpload'] as const) {
    wrap(MediaLibrary.prototype, operation, async (run, _args, self) => {
      library = self as MediaLibrary;
      executioner.begin(operation);
      const result = await run();
      // A rendition is handed out before it is stored.
      if (operation === 'openLink') await library.settled();
      executioner.point('the answer: not sent');
      executioner.end(operation);
      if (operation === 'sweep') say('SWEPT');
      return result;
    });
  }
  return async () => await library?.sweep();
}

/** Those of the store's methods that change a row, but for the signs of life. */
const changingStatements = [
  'begin',
  'reserve',
  'commit',
  'abandon',
  'startDeletion',
  'claimUnfinished',
  'forget',
  'expectObject',
  'objectArrived',
  'keepSession',
  'claimCompletion',
  'leaveCompletion',
  'startCancellation',
];

function wrapStatements(executioner: Executioner): void {
  for (const name of changingStatements) {
    wrap(PostgresMediaStore.prototype, name, (run) => executioner.around(`row: ${name}`, run));
  }
}

/** Only what changes something: what merely reads leaves the world as the step before it. */
function wrapFiles(executioner: Executioner, objects: string): void {
  const roleOfPath = (path: unknown): string | undefined => roleOf(relative(objects, String(path)));
  for (const name of ['mkdir', 'rename', 'rm', 'rmdir', 'writeFile'] as const) {
    wrap(files, name, (run, args) => {
      const roles = (name === 'rename' ? args.slice(0, 2) : args.slice(0, 1)).map(roleOfPath);
      if (!roles.includes(undefined)) executioner.point(`disk: ${name} ${roles.join(' to ')}`);
      return run();
    });
  }
  wrap(files, 'open', async (run, [path, flags]) => {
    const role = roleOfPath(path);
    if (role !== undefined && flags === 'wx') executioner.point(`disk: make ${role}`);
    const handle = (await run()) as FileHandle;
    for (const name of role === undefined ? [] : ['writev', 'datasync', 'sync']) {
      wrap(handle, name, (flush) => {
        executioner.point(`disk: ${name} ${role}`);
        return flush();
      });
    }
    return handle;
  });
  syncBuiltinESMExports();
}

/** What a path below the storage's folder is for (src/storage/disk.ts). */
function roleOf(path: string): string | undefined {
  const [first = '', second, third, fourth, fifth] = path.split('/');
  if (first === '..' || second?.startsWith('probe~')) return undefined;
  if (first === '') return 'root';
  if (first === 'tmp') {
    if (second === undefined) return 'tmp';
    if (second.startsWith('gone~')) return 'grave';
    if (third === undefined) return 'draft';
    return third === 'incoming' ? 'draft file' : 'draft file, named';
  }
  if (first === 'sessions') {
    if (third === undefined) return second === undefined ? 'sessions' : "asset's sessions";
    if (fourth === undefined) return 'session';
    return fifth === undefined ? 'turn' : "session's bytes";
  }
  if (second === undefined) return 'shard';
  return third === undefined ? 'asset folder' : 'object';
}

/** Requests to a bucket that change it. */
function wrapRequests(executioner: Executioner): void {
  wrap(HttpClient.prototype, 'send', (run, [request]) => {
    const { method, url } = request as { method: string; url: string };
    return method === 'GET' ? run() : executioner.around(`bucket: ${requestName(method, new URL(url))}`, run);
  });
}

function requestName(method: string, { searchParams }: URL): string {
  if (method === 'DELETE') return searchParams.has('upload_id') ? 'cancel session' : 'delete object';
  if (method === 'PUT') return 'send chunk';
  return searchParams.get('uploadType') === 'resumable' ? 'start session' : 'insert object';
}
