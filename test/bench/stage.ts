import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { startFlags, startVariables } from '../support/start-script.ts';
import type { Finding } from './findings.ts';
import { runToEnd, type Server, startServer } from './servers.ts';

/** A server on the stage, with what lies behind it. */
export interface StagedServer extends Server {
  readonly databaseUrl: string;
  /** Where its files lie: objects, or whatever else it writes. */
  readonly filesDir: string;
  /** To be sent with every request: signs in, and passes the guard against cross-site requests. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The product as a server. */
export interface OurServer extends StagedServer {
  /** Starts it once more, after its end, with the same data and settings on the same port. */
  startAgain(): Promise<OurServer>;
}

/** What a suite plays on: servers on fresh databases of one PostgreSQL, in one temporary folder. */
export interface Stage {
  /** Fewer rounds were asked for. */
  readonly isQuick: boolean;
  /** The floor of floor.ts. */
  startFloor(): Promise<StagedServer>;
  /** The product as `npm start` runs it, in production, signed in as `bench`; `environment` adds to its variables or overrides them. */
  startOurs(environment?: Readonly<Record<string, string>>): Promise<OurServer>;
  /** Ends every process that was started and removes the folder; a second call waits for the same end. */
  close(): Promise<void>;
}

/** A part of the bench: starts what it needs on the stage, measures, and tells what it found. */
export type Suite = (stage: Stage) => Promise<Finding[]>;

/** The user of every request, and the owner of every seeded row. */
export const benchUser = 'bench';

/** Sets up the stage. `profilesDir`: where the servers leave a CPU profile when they end. */
export async function openStage(options: { isQuick: boolean; profilesDir: string | undefined }): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'mediakeep-bench-'));
  const endings: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const ending = new AbortController();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ending.abort();
    closing ??= endAll(endings);
    return closing;
  };
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), ephemeral: true });
    endings.push(postgres.stop);
    const setting = {
      dir,
      postgresUrl: postgres.url,
      profiling: profilingOptions(options.profilesDir),
      signal: ending.signal,
      count: 0,
    };
    const onStage = async <T extends StagedServer>(starting: Promise<T>): Promise<T> => {
      const server = await starting;
      endings.push(server.stop);
      return server;
    };
    const again = async (server: OurServer): Promise<OurServer> => {
      const next = await onStage(server.startAgain());
      return { ...next, startAgain: () => again(next) };
    };
    const ours = async (environment: Readonly<Record<string, string>>): Promise<OurServer> => {
      const server = await onStage(startOurs(setting, environment));
      return { ...server, startAgain: () => again(server) };
    };
    return {
      isQuick: options.isQuick,
      startFloor: () => onStage(startFloor(setting)),
      startOurs: (environment = {}) => ours(environment),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Setting {
  readonly dir: string;
  readonly postgresUrl: string;
  /** Node's options. */
  readonly profiling: readonly string[];
  /** Its abort ends every process. */
  readonly signal: AbortSignal;
  /** Servers so far: each gets names of its own. */
  count: number;
}

const tokenLife = '1 day';

/** The last started ends first: servers before the database, the folder at the very end. */
async function endAll(endings: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const end of endings.toReversed()) await end();
}

function profilingOptions(dir: string | undefined): string[] {
  return dir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dir}`];
}

async function startFloor(setting: Setting): Promise<StagedServer> {
  const { logFile, filesDir, databaseUrl } = await placesFor('floor', setting);
  const server = await startServer({
    nodeArguments: [...setting.profiling, 'test/bench/floor.ts'],
    environment: { NODE_ENV: 'production', FILES_DIR: filesDir, DATABASE_URL: databaseUrl },
    logFile,
    signal: setting.signal,
  });
  return { ...server, databaseUrl, filesDir, headers: pastTheGuard };
}

async function startOurs(setting: Setting, overrides: Readonly<Record<string, string>>): Promise<OurServer> {
  const { logFile, filesDir, databaseUrl } = await placesFor('ours', setting);
  const { profiling, signal } = setting;
  const secret = randomBytes(48).toString('base64');
  const environment = {
    ...startVariables(),
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    DATA_DIR: filesDir,
    DATABASE_URL: databaseUrl,
    AUTH_JWT_SECRET: secret,
    URL_SIGNING_SECRET: randomBytes(48).toString('base64'),
    RATE_LIMIT_PER_MINUTE: '0',
    ...overrides,
  };
  await runToEnd({ nodeArguments: ['dist/src/migrate.js'], environment, logFile, signal });
  const nodeArguments = [...startFlags(), ...profiling, 'dist/src/main.js'];
  const headers = { ...pastTheGuard, authorization: `Bearer ${await tokenOf(benchUser, secret)}` };
  const start = async (where: { port?: number }): Promise<OurServer> => {
    const server = await startServer({ nodeArguments, environment, logFile, signal, ...where });
    const startAgain = () => start({ port: Number(new URL(server.url).port) });
    return { ...server, databaseUrl, filesDir, headers, startAgain };
  };
  return await start({});
}

/** What lets a multipart request past Apollo's guard against cross-site requests. */
const pastTheGuard = { 'apollo-require-preflight': 'true' };

async function placesFor(name: string, setting: Setting): Promise<{ logFile: string; filesDir: string; databaseUrl: string }> {
  setting.count += 1;
  const unique = `${name}_${setting.count}`;
  const filesDir = join(setting.dir, unique);
  await mkdir(filesDir);
  return {
    logFile: join(setting.dir, `${unique}.log`),
    filesDir,
    databaseUrl: await createDatabase(unique, setting.postgresUrl),
  };
}

async function createDatabase(name: string, postgresUrl: string): Promise<string> {
  await query(postgresUrl, `create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs statements on a database over a connection of their own. */
export async function query(databaseUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function tokenOf(userId: string, secret: string): Promise<string> {
  const claims = new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject(userId).setExpirationTime(tokenLife);
  return claims.sign(new TextEncoder().encode(secret));
}
