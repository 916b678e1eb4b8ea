import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server process under measurement. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Ends it and waits for that. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL, as a machine that goes down would, and waits for that. */
  kill(): Promise<void>;
}

/** How a server process is started. */
export interface Launch {
  /** Node's arguments: options, then the script. */
  readonly nodeArguments: readonly string[];
  /** All of its environment but PATH and PORT. */
  readonly environment: Readonly<Record<string, string>>;
  /** A file for what it writes. */
  readonly logFile: string;
  /** Its abort ends the process, ready or not. */
  readonly signal: AbortSignal;
  /** Of 127.0.0.1; a free one when none is named. */
  readonly port?: number;
}

/** Starts a server on 127.0.0.1 and waits until `/readyz` answers 200; throws what it wrote when it does not. */
export async function startServer(launch: Launch): Promise<Server> {
  const { port = await freePort() } = launch;
  const child = spawnNode({ ...launch, environment: { ...launch.environment, PORT: String(port) } });
  const url = `http://127.0.0.1:${port}`;
  const stop = () => endProcess(child);
  const kill = () => killProcess(child);
  const { pid } = child;
  if (pid !== undefined && (await answers(`${url}/readyz`, child))) return { url, pid, stop, kill };
  await stop();
  throw new Error(`${commandOf(launch)} did not become ready:\n${lastWordsOf(launch)}`);
}

/** Runs a Node script to its end; throws what it wrote when that is not success. */
export async function runToEnd(launch: Launch): Promise<void> {
  const child = spawnNode(launch);
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${commandOf(launch)} failed:\n${lastWordsOf(launch)}`);
}

const readyWithinMs = 30_000;
const endWithinMs = 30_000;
const lastWordsCharacters = 4_000;

/** The channel to us closes however the bench ends, even by SIGKILL: no server is left behind. */
const endsWithUs = ['--import', `data:text/javascript,process.once('disconnect', () => process.kill(process.pid))`];

function spawnNode({ nodeArguments, environment, logFile, signal }: Launch): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    const env = { PATH: process.env.PATH, ...environment };
    const child = spawn(process.execPath, [...endsWithUs, ...nodeArguments], { env, signal, stdio: ['ignore', log, log, 'ipc'] });
    // An abort is told here too; whoever waits for the process sees its end.
    return child.on('error', () => undefined);
  } finally {
    closeSync(log);
  }
}

function commandOf({ nodeArguments }: Launch): string {
  return `node ${nodeArguments.join(' ')}`;
}

function lastWordsOf({ logFile }: Launch): string {
  return readFileSync(logFile, 'utf8').slice(-lastWordsCharacters);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  for (const end = Date.now() + readyWithinMs; Date.now() < end && isAlive(child); await sleep(50)) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return true;
  }
  return false;
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const ended = once(child, 'exit');
  // A second signal would cut short what the first one began.
  if (!child.killed) child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), endWithinMs);
  await ended;
  clearTimeout(late);
}

async function killProcess(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
