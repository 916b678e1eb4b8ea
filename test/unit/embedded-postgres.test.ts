import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type EmbeddedPostgres, findRunningEmbedded, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { query } from '../support/database.ts';

const isRoot = process.getuid?.() === 0;
/** Whom the server runs as. */
const serverUser = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const ownerScript = fileURLToPath(new URL('../support/embedded-owner.mjs', import.meta.url));

/** Closed to everybody but us, as a home folder is. */
let folder: string;
/** Most tests share one, as runs do: a cluster takes a second to make. Whichever comes first makes it. */
let dataDir: string;
let children: ChildProcess[];
let started: EmbeddedPostgres[];
let servers: number[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-embedded-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(() => {
  dataDir = join(folder, 'used');
  children = [];
  started = [];
  servers = [];
});

afterEach(async () => {
  await Promise.all(started.map((postgres) => postgres.stop()));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(servers.map(untilGone));
});

describe('the embedded PostgreSQL', () => {
  test('starts in an empty folder and folds case beyond ASCII', async () => {
    const { url } = await start();
    expect(await query(url, `select lower('É') as lower, 'ÉTÉ' ilike 'été' as alike`)).toEqual([{ lower: 'é', alike: true }]);
  });

  test('lets nobody in without the password', async () => {
    const url = new URL((await start()).url);
    expect(url.password.length).toBeGreaterThanOrEqual(32);
    expect((await stat(join(dataDir, 'cluster', 'password'))).mode & 0o777).toBe(0o600);
    url.password = 'guess';
    await expect(query(url.href, 'select 1')).rejects.toThrow('password authentication failed');
  });

  test('keeps its data where it was asked to, below a folder that is closed to the account it runs as', async () => {
    await start();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDir, 'cluster', 'data'))).uid).toBe(serverUser.uid);
  });

  test('has the rows of the last run, and stops when asked, twice if need be', async () => {
    const first = await start({ ephemeral: false });
    await query(first.url, 'create table restarted as select 42 as answer');
    await Promise.all([first.stop(), first.stop()]);
    expect(isAlive(servers[0])).toBe(false);

    const second = await start({ ephemeral: false });
    expect(await query(second.url, 'select answer from restarted')).toEqual([{ answer: 42 }]);
  });

  test('is found by another process while it runs, and only then', async () => {
    const { url, stop } = await start();
    expect(await findRunningEmbedded(dataDir)).toBe(url);
    await stop();
    expect(await findRunningEmbedded(dataDir)).toBeUndefined();
  });

  test('of another living process is found, and a second one on its data refused without harming it', async () => {
    const owner = await startInChild();
    expect(await findRunningEmbedded(dataDir)).toBe(owner.url);
    await expect(start()).rejects.toThrow(`its data is in use by another Mediakeep, process ${owner.child.pid}.`);
    expect(await query(owner.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('started twice at once on an empty folder runs once', async () => {
    dataDir = join(folder, 'twice');
    const outcomes = await Promise.allSettled([start(), start()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refusal = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(String(refusal?.reason)).toContain('in use by another Mediakeep');
    const [winner] = started;
    expect(await query(winner?.url ?? '', 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('goes down with a process that is killed, and the next one starts at once with what was committed', async () => {
    const owner = await startInChild();
    await query(owner.url, 'create table survived as select 42 as answer');
    owner.child.kill('SIGKILL');
    const next = await start({ ephemeral: false });
    expect(servers[1]).not.toBe(servers[0]);
    expect(await query(next.url, 'select answer from survived')).toEqual([{ answer: 42 }]);
  });

  test('that lost its owner and its watchdog is stopped by the next start', async () => {
    const owner = await startInChild();
    killWatchdogOf(servers[0]);
    owner.child.kill('SIGKILL');
    const next = await start({ ephemeral: false });
    expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('runs again when it was killed, where it was and with what it had, each time; stopped it stays', async () => {
    const lines: string[] = [];
    const { url, stop } = await start({ ephemeral: false, log: (line) => lines.push(line) });
    await query(url, 'create table if not exists outlived (round int)');
    for (const round of [1, 2]) {
      await query(url, `insert into outlived values (${round})`);
      process.kill(await serverPid(), 'SIGKILL');
      await untilSaid(lines, round * 2);
      servers.push(await serverPid());
      expect(await query(url, 'select count(*)::int as count from outlived')).toEqual([{ count: round }]);
    }
    expect(new Set(servers).size).toBe(3);
    const both = [expect.stringContaining('ended unexpectedly (SIGKILL)'), 'The embedded PostgreSQL runs again'];
    expect(lines).toEqual([...both, ...both]);
    await stop();
    await sleep(500);
    await expect(query(url, 'select 1')).rejects.toThrow();
  });

  test('stopped while it is being started again, stays stopped', async () => {
    const lines: string[] = [];
    const { url, stop } = await start({ ephemeral: false, log: (line) => lines.push(line) });
    process.kill(await serverPid(), 'SIGKILL');
    await untilSaid(lines, 1);
    // In the middle of the start that follows.
    await sleep(150);
    await stop();
    await sleep(500);
    await expect(query(url, 'select 1')).rejects.toThrow();
    expect(await findRunningEmbedded(dataDir)).toBeUndefined();
  });

  test('runs for a plain user, and leaves the exit code of the process alone', async () => {
    dataDir = join(folder, 'plain');
    if (isRoot) await chmod(folder, 0o711);
    await mkdir(dataDir);
    await chown(dataDir, serverUser.uid, serverUser.gid);
    const child = spawn(process.execPath, [ownerScript, dataDir, '3'], {
      ...(await plainUser()),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [url] = await Promise.all([firstLineOf(child), once(child, 'exit')]);
    expect(url).toMatch(/^postgres:/);
    expect(child.exitCode).toBe(3);
    expect(await findRunningEmbedded(dataDir)).toBeUndefined();
    await chmod(folder, 0o700);
  });
});

describe('a start of the embedded PostgreSQL', () => {
  test('is not blocked by what interrupted ones left, and removes it', async () => {
    dataDir = join(folder, 'left');
    const leftover = join(dataDir, 'unfinished-x7Gh2k');
    await mkdir(join(leftover, 'data'), { recursive: true });
    await writeFile(join(leftover, 'data', 'PG_VERSION'), '1');
    await utimes(leftover, new Date(0), new Date(0));
    await mkdir(join(dataDir, 'cluster'));
    await start();
    expect(await readdir(dataDir)).toEqual(['cluster']);
  });

  test('is not blocked by a left-over process number that another program has by now', async () => {
    await (await start()).stop();
    const stranger = spawn('sleep', ['60'], { ...(isRoot ? serverUser : {}), stdio: 'ignore' });
    children.push(stranger);
    await writeFile(join(dataDir, 'cluster', 'data', 'postmaster.pid'), `${stranger.pid}\n`);
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('takes data that root copied back into place', async () => {
    await (await start()).stop();
    const data = join(dataDir, 'cluster', 'data');
    const owner = process.getuid?.() ?? 0;
    for (const entry of ['.', ...(await readdir(data, { recursive: true }))])
      await chown(join(data, entry), owner, process.getgid?.() ?? 0);
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('that fails says why, names the way out, and carries what PostgreSQL wrote', async () => {
    await (await start()).stop();
    const settings = join(dataDir, 'cluster', 'data', 'postgresql.conf');
    const sound = await readFile(settings);
    await appendFile(settings, 'nonsense\n');
    const failure = await start().catch((error: unknown) => error);
    await writeFile(settings, sound);
    expect(failure).toMatchObject({
      message: expect.stringMatching(
        /^The embedded PostgreSQL cannot start in .*: its server did not come up: .* Set DATABASE_URL/,
      ),
      cause: { message: expect.stringContaining('syntax error in file') },
    });
  });

  test('on a platform without binaries names the way out', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? {};
    Object.defineProperty(process, 'platform', { ...platform, value: 'sunos' });
    try {
      await expect(start()).rejects.toThrow(/no binaries for sunos-.* Set DATABASE_URL to use a PostgreSQL of your own\.$/);
    } finally {
      Object.defineProperty(process, 'platform', platform);
    }
  });
});

async function start(options: { ephemeral?: boolean; log?: (line: string) => void } = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, ephemeral: true, ...options });
  started.push(postgres);
  servers.push(await serverPid());
  return postgres;
}

async function untilSaid(lines: readonly string[], count: number): Promise<void> {
  for (const end = Date.now() + 20_000; lines.length < count && Date.now() < end; ) await sleep(20);
}

async function startInChild(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [ownerScript, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const url = await firstLineOf(child);
  servers.push(await serverPid());
  return { child, url };
}

async function firstLineOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no output');
  for await (const line of createInterface(child.stdout)) return line;
  throw new Error('the child ended without a word');
}

async function serverPid(): Promise<number> {
  return Number((await readFile(join(dataDir, 'cluster', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** The account 65534 when root tests, unless the project is in a folder that is closed to it: then ourselves. */
async function plainUser(): Promise<{ uid?: number; gid?: number }> {
  if (!isRoot) return {};
  const reads = spawn('test', ['-r', ownerScript], { ...serverUser, cwd: '/', stdio: 'ignore' });
  const [code] = await once(reads, 'exit');
  return code === 0 ? serverUser : {};
}

/** Kills the shell that is to stop that server. It is looked for in /proc; without one it lives, and stops the server itself. */
function killWatchdogOf(server: number | undefined): void {
  const isIt = (pid: string) => commandLineOf(pid).endsWith(`kill -INT "$0"\0${server}\0`);
  const watchdog = existsSync('/proc') ? readdirSync('/proc').find(isIt) : undefined;
  if (watchdog !== undefined) process.kill(Number(watchdog), 'SIGKILL');
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let waited = 0; isAlive(pid); waited += 50) {
    if (waited > 10_000) throw new Error(`PostgreSQL, process ${pid}, was left behind`);
    await sleep(50);
  }
}

/** A dead process that its parent has not collected yet has no command line. */
function isAlive(pid: number | undefined): boolean {
  if (existsSync('/proc')) return commandLineOf(String(pid)) !== '';
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}
