import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataAsSeenBy, spawnedAs } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { marksOf } from './occupant.ts';

/** A PostgreSQL server that answers. */
export interface Server {
  port: number;
  /** Resolves when it has ended, told to or not; never rejects. */
  ended: Promise<unknown>;
  /** Ends it and waits for that; a second call waits for the same end. */
  stop(): Promise<void>;
}

/** What a server is launched with. */
export interface Launch {
  binaries: Binaries;
  cluster: Cluster;
  ephemeral: boolean;
  port: number;
  /** A number in a left-over postmaster.pid that belongs to some other program by now. */
  reusedPid: number | undefined;
  log: (line: string) => void;
}

/** The server did not come up. `cause` carries the last lines that it wrote. */
export class LaunchFailure extends Error {
  /** Something that passes was in the way: the port, or a server on the same data that is still ending. */
  readonly passing: boolean;

  constructor(how: string, written: string) {
    const complaint = [...written.matchAll(/(?:FATAL|PANIC): +(.*)/g)].at(-1)?.[1];
    super(`its server did not come up: ${complaint ?? how}.`, { cause: new Error(written.trim() || how) });
    this.name = 'LaunchFailure';
    this.passing = /Address already in use|lock file ".*" already exists|shared memory block .* still in use/.test(written);
  }
}

/**
 * Launches the server and waits until it answers; throws LaunchFailure, leaving no process. It is in a process group of
 * its own, so that Ctrl-C reaches us alone and we stop it after our last query. It never keeps our process alive.
 */
export async function launchServer(launch: Launch): Promise<Server> {
  const child = await spawnServer(launch);
  const watchdog = spawnWatchdog(child.pid, launch);
  const written = lastWords(child);
  const end = endOf(child);
  void end.then(() => watchdog?.kill('SIGKILL'));
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= endServer(child, end, launch.ephemeral);
    return stopping;
  };

  const failed = await failureToAnswer(child, end);
  if (failed !== undefined) {
    await stop();
    throw new LaunchFailure(failed, written());
  }
  void end.then((how) => {
    if (stopping === undefined) launch.log(`The embedded PostgreSQL ended unexpectedly (${how}): ${lastLine(written())}`);
  });
  letProcessEnd(child);
  return { port: launch.port, ended: end, stop };
}

const SILENCE_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;
const FORCED_STOP_LIMIT_MS = 5_000;
const LAST_WORDS_CHARACTERS = 4_000;

type ServerProcess = ChildProcessByStdio<null, null, Readable>;

async function spawnServer({ binaries, cluster, ephemeral, port, reusedPid }: Launch): Promise<ServerProcess> {
  const { account, data } = cluster;
  const { env, ...as } = spawnedAs(account, data);
  const settings = { ...SETTINGS, ...(ephemeral ? THROW_AWAY_SETTINGS : {}) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return spawn(binaries.postgres, ['-D', dataAsSeenBy(account, data), '-p', String(port), ...flags, ...(await marksOf(data))], {
    ...as,
    // PostgreSQL takes any living process with the number in postmaster.pid for its predecessor, but for this one.
    env: reusedPid === undefined ? env : { ...env, PG_GRANDPARENT_PID: String(reusedPid) },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 100,
  cluster_name: 'mediakeep',
  // LOG ranks above ERROR: says when it is ready, and keeps failed statements (with users' data in them) to the client.
  log_min_messages: 'log',
  log_statement: 'none',
};

const THROW_AWAY_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
  shared_buffers: '64MB',
};

/**
 * A shell that waits for the end of its input, which comes when our process is gone however it went, and then stops the
 * server. Without it a SIGKILL would leave the server running and the next start would find the data in use.
 */
function spawnWatchdog(pid: number | undefined, { ephemeral, log }: Launch): ChildProcess | undefined {
  if (pid === undefined) return undefined;
  const script = `read -r _; kill -${ephemeral ? 'QUIT' : 'INT'} "$0"`;
  const watchdog = spawn('/bin/sh', ['-c', script, String(pid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', (error) => log(`Nothing will stop the embedded PostgreSQL if this process is killed: ${error.message}`));
  watchdog.unref();
  if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
  return watchdog;
}

/** Keeps reading for as long as the server lives: a full pipe would stop it. */
function lastWords(child: ServerProcess): () => string {
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-LAST_WORDS_CHARACTERS);
  });
  return () => words;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** Settles at 'close', when the last of the server's processes has let go of the pipe, and never rejects. */
function endOf(child: ServerProcess): Promise<string> {
  return new Promise((resolve) => {
    // An error of a process that did start is a signal that could not be sent.
    child.on('error', (error) => child.pid === undefined && resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** Undefined once the server is ready. The limit is on silence: a long recovery reports every ten seconds. */
async function failureToAnswer(child: ServerProcess, end: Promise<string>): Promise<string | undefined> {
  const silence = Promise.withResolvers<string>();
  const limit = setTimeout(() => silence.resolve(`it was silent for ${SILENCE_LIMIT_MS / 1000} s`), SILENCE_LIMIT_MS);
  const ready = Promise.withResolvers<undefined>();
  let heard = '';
  const listen = (text: string) => {
    limit.refresh();
    heard += text;
    if (heard.includes('ready to accept connections')) ready.resolve(undefined);
  };
  child.stderr.on('data', listen);
  return Promise.race([ready.promise, silence.promise, end]).finally(() => {
    clearTimeout(limit);
    child.stderr.off('data', listen);
  });
}

/** SIGINT ends sessions and writes everything down; SIGQUIT drops it all, and the next start recovers. */
async function endServer(child: ServerProcess, end: Promise<string>, ephemeral: boolean): Promise<void> {
  child.ref();
  child.kill(ephemeral ? 'SIGQUIT' : 'SIGINT');
  if (await within(STOP_LIMIT_MS, end)) return;
  child.kill('SIGQUIT');
  if (await within(FORCED_STOP_LIMIT_MS, end)) return;
  child.kill('SIGKILL');
  await within(FORCED_STOP_LIMIT_MS, end);
}

async function within(limitMs: number, end: Promise<string>): Promise<boolean> {
  const timeout = new AbortController();
  const late = sleep(limitMs, false, { signal: timeout.signal }).catch(() => false);
  return Promise.race([end.then(() => true), late]).finally(() => timeout.abort());
}

function letProcessEnd(child: ServerProcess): void {
  child.unref();
  if (child.stderr instanceof Socket) child.stderr.unref();
}
