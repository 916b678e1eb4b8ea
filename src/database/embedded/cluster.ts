import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lchown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeAbandoned } from './abandoned.ts';
import { type Account, accountFor, dataAsSeenBy, spawnedAs } from './account.ts';
import type { Binaries } from './binaries.ts';

/** A PostgreSQL cluster on disk, whole, with the database `mediakeep` in it. */
export interface Cluster {
  /** PGDATA, an absolute path. */
  data: string;
  /** The password of the only role, `mediakeep`. */
  password: string;
  account: Account;
}

/** The role, and the database that it owns. */
export const ROLE = 'mediakeep';

/** Where the cluster of `dataDir` has its PGDATA, once it is made. */
export function dataFolderIn(dataDir: string): string {
  return placesIn(join(dataDir, CLUSTER)).data;
}

/** The cluster kept in `dataDir`, or undefined when none was made there yet. */
export async function existingCluster(dataDir: string): Promise<Cluster | undefined> {
  const { data, password } = placesIn(join(dataDir, CLUSTER));
  const secret = await readFile(password, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  return secret === undefined ? undefined : { data, password: secret, account: await accountFor(data) };
}

/**
 * Makes a cluster in `dataDir`: initdb works in a folder beside it that is renamed at the end, so a crash leaves nothing
 * that looks like a cluster, and of two processes the first one's cluster counts for both.
 */
export async function createCluster(dataDir: string, binaries: Binaries, ephemeral: boolean): Promise<Cluster> {
  await removeAbandoned(dataDir, UNFINISHED);
  const unfinished = await mkdtemp(join(dataDir, UNFINISHED));
  try {
    await initialise(unfinished, binaries, ephemeral);
    await rename(unfinished, join(dataDir, CLUSTER)).catch(unlessAnotherWasFirst);
    await flushFolder(dataDir);
  } catch (cause) {
    throw new Error('its database could not be made there.', { cause });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  const cluster = await existingCluster(dataDir);
  if (cluster === undefined) throw new Error(`the folder ${dataDir} changed while its database was being made.`);
  return cluster;
}

/** A cluster copied back by root (a restored backup) belongs to root, whom PostgreSQL does not run as: hands it over. */
export async function claimCluster({ data, account }: Cluster): Promise<void> {
  if (account.uid !== undefined && (await stat(data)).uid === 0) await handOver(data, account);
}

const CLUSTER = 'cluster';
const UNFINISHED = 'unfinished-';
const INITDB_LIMIT_MS = 60_000;

/** The password lies beside the data and belongs to us: the server's account has no business with it. */
function placesIn(cluster: string) {
  return { data: join(cluster, 'data'), password: join(cluster, 'password') };
}

async function initialise(cluster: string, { initdb, postgres }: Binaries, ephemeral: boolean): Promise<void> {
  const { data, password } = placesIn(cluster);
  const account = await accountFor(data);
  const options = { ...spawnedAs(account, data), timeout: INITDB_LIMIT_MS };
  await mkdir(data, { mode: 0o700 });
  await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true });

  // initdb reads the password file itself, as the other account: open to it until initdb is done.
  await chmod(cluster, 0o711);
  await handOver(data, account);
  await handOver(password, account);
  await run(initdb, initdbArguments(dataAsSeenBy(account, data), ephemeral), options);
  await handOver(password, { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  await chmod(cluster, 0o700);

  // In single-user mode, so that a cluster is never seen without its database.
  const creating = run(postgres, ['--single', '-D', dataAsSeenBy(account, data), 'postgres'], options);
  creating.child.stdin?.end(`create database ${ROLE};\n`);
  await creating;
}

function initdbArguments(data: string, ephemeral: boolean): string[] {
  const text = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = [`--username=${ROLE}`, '--auth=scram-sha-256', `--pwfile=${data}/../password`];
  return ['-D', data, ...text, ...access, ...(ephemeral ? ['--no-sync'] : [])];
}

async function handOver(path: string, { uid, gid }: Account): Promise<void> {
  if (process.getuid?.() !== 0 || uid === undefined || gid === undefined) return;
  const inside = (await stat(path)).isDirectory() ? await readdir(path, { recursive: true }) : [];
  for (const entry of ['.', ...inside]) await lchown(join(path, entry), uid, gid);
}

function unlessAnotherWasFirst(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error;
}

/** After a power cut the rename must not be forgotten while rows acknowledged later are remembered. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

const run = promisify(execFile);
