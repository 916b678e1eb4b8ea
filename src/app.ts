import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { Config } from './config.ts';
import { type Database, migrate, openDatabase } from './database/connection.ts';
import { findRunningEmbedded, startEmbeddedPostgres } from './database/embedded.ts';
import { inspectDatabase } from './database/inspect.ts';
import { derivedLinkSecret, developmentSecret } from './development-secret.ts';
import { MediakeepError } from './errors.ts';
import { graphqlDoor } from './graphql/door.ts';
import { allowsOrigin, type CorsOrigins } from './http/cors.ts';
import { gcsEventsDoor } from './http/gcs-events.ts';
import { linksDoor } from './http/links.ts';
import { logSettings } from './http/log.ts';
import { pageDoor } from './http/page.ts';
import { createServer } from './http/server.ts';
import { createSignIn, issueDevelopmentToken } from './http/sign-in.ts';
import { uploadsDoor } from './http/uploads.ts';
import { SharpImageTools } from './imaging/sharp-image-tools.ts';
import { type BackgroundWork, startSweeping } from './media/jobs.ts';
import { MediaLibrary } from './media/library.ts';
import { LinkSigner } from './media/links.ts';
import type { Authenticate, Log, MediaStore, ObjectStorage } from './media/ports.ts';
import { restDoor } from './rest/door.ts';
import { DiskStorage } from './storage/disk.ts';
import { offerToken } from './token-offer.ts';
import { ContainerProbe } from './video/probe.ts';

/** A running server. */
export interface App {
  /** Where it listens: `http://HOST:PORT`. */
  readonly url: string;
  /** What to print for the person who started it. */
  readonly welcome: string;
  /** Stops accepting, lets running uploads end (at most 25 s), then closes storage and database, the embedded one last. */
  close(): Promise<void>;
}

/** How long a development token lives. */
const developmentTokenSeconds = 30 * 24 * 3600;

/** How long running uploads may take to end after SIGTERM (contract, section 1). */
const graceSeconds = 25;

/** How long uploads that were cut off then may take to be tidied away, and renditions to be stored; what is left after that is the sweep's. */
const tidyingSeconds = 4;

/** What arriving images may hold in memory together, unless one alone may be larger. */
const imageMemoryBytes = 256 * 1024 * 1024;

/** The server: database (embedded unless configured), storage, doors, and the background jobs unless `WORKER=off`. */
export async function startApp(config: Config): Promise<App> {
  const log = pino({ level: config.logLevel, ...logSettings });
  const closing = new Closing();
  try {
    const database = await closing.keep(await openOwnDatabase(config, log));
    const address = { url: config.publicUrl ?? '' };
    const baseUrl = (): string => address.url;
    const core = await closing.keep(await openCore(config, { databaseUrl: database.url, baseUrl, log }));
    if (config.worker === 'inline') closing.keep(sweeping(core.library, config, log));
    const { authenticate, token } = await openSignIn(config);
    const tokenFor = offerToken(token, baseUrl);
    const corsOrigins: CorsOrigins = config.corsOrigins ?? (config.isProduction ? 'none' : 'localhost');
    // A page of our own is not a foreign one here, but it is on the bucket.
    const maySend = (origin: string): boolean => origin === new URL(baseUrl()).origin || allowsOrigin(corsOrigins, origin);
    const server = await createServer({
      log,
      authenticate,
      corsOrigins,
      rateLimitPerMinute: config.rateLimitPerMinute,
      ...(config.rateLimitStore === 'postgres' && { rateLimiter: core.rateLimiter(config.rateLimitPerMinute) }),
      trustProxy: config.trustProxy,
      strictTransport: config.publicUrl?.startsWith('https:') === true,
      readiness: core.checks,
      doors: [
        graphqlDoor({ library: core.library, authenticate, log, allowsOrigin: maySend, tokenFor }),
        restDoor({ library: core.library, authenticate, baseUrl, allowsOrigin: maySend }),
        uploadsDoor({ library: core.library }),
        linksDoor({ library: core.library }),
        ...(config.gcsEvents === undefined ? [] : [gcsEventsDoor({ library: core.library, ...config.gcsEvents })]),
        pageDoor({ tokenFor, baseUrl, bucketOrigin: bucketOrigin(config) }),
      ],
    });
    closing.keep({ close: () => server.close({ graceSeconds }) });
    const listening = await server.listen({ host: config.host, port: config.port });
    address.url ||= listening;
    return { url: listening, welcome: welcome(address.url, token), close: () => closing.close() };
  } catch (error) {
    // What failed first is the one to tell.
    await closing.close().catch(() => undefined);
    throw error;
  }
}

/** The background jobs alone. Without DATABASE_URL it joins the embedded database of the server that runs on the same DATA_DIR. */
export async function startWorker(config: Config): Promise<{ close(): Promise<void> }> {
  const log = pino({ level: config.logLevel, ...logSettings });
  const databaseUrl = await findDatabase(config);
  await assertUpToDate(databaseUrl);
  const core = await openCore(config, { databaseUrl, baseUrl: () => config.publicUrl ?? '', log });
  const closing = new Closing();
  closing.keep(core);
  closing.keep(sweeping(core.library, config, log));
  return { close: () => closing.close() };
}

/** Storage and table as they are, for `npm run reconcile` to compare. Without DATABASE_URL it joins the embedded database, as {@link startWorker} does. */
export async function openStock(config: Config): Promise<{ storage: ObjectStorage; store: MediaStore; close(): Promise<void> }> {
  const databaseUrl = await findDatabase(config);
  await assertUpToDate(databaseUrl);
  const storage = await openStorage(config);
  const { store, close } = await openDatabase({ url: databaseUrl, log: pino({ level: config.logLevel, ...logSettings }) });
  return {
    storage,
    store,
    close: async () => {
      await close();
      await storage.close?.();
    },
  };
}

/** Brings the configured (or embedded) database up to date. Returns what was applied. */
export async function migrateDatabase(config: Config): Promise<string[]> {
  const running = config.databaseUrl ?? (await findRunningEmbedded(join(config.dataDir, 'postgres')));
  if (running !== undefined) return await migrate(running);
  const embedded = await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres') });
  try {
    return await migrate(embedded.url);
  } finally {
    await embedded.stop();
  }
}

/** The configured database, or the embedded one of the server that runs on the same DATA_DIR. STORAGE_UNAVAILABLE when there is neither. */
export async function findDatabase(config: Config): Promise<string> {
  const url = config.databaseUrl ?? (await findRunningEmbedded(join(config.dataDir, 'postgres')));
  if (url !== undefined) return url;
  throw new MediakeepError(
    'STORAGE_UNAVAILABLE',
    `There is no database: set DATABASE_URL, or start the server with the same DATA_DIR (${config.dataDir}) first.`,
  );
}

/** A token that this installation takes. Only where it signs itself: with AUTH_JWT_SECRET, or with the generated development secret. */
export async function developmentToken(config: Config, userId: string): Promise<string> {
  const { jwksUrl, jwtSecret, issuer, audience } = config.auth;
  if (jwksUrl !== undefined && jwtSecret === undefined) {
    throw new MediakeepError(
      'BAD_USER_INPUT',
      'Tokens come from the identity provider behind AUTH_JWKS_URL; set AUTH_JWT_SECRET to make them here.',
    );
  }
  const secret = new TextEncoder().encode(await signInSecret(config));
  return await issueDevelopmentToken(secret, userId, developmentTokenSeconds, { issuer, audience });
}

/** What was opened, closed in the opposite order. */
class Closing {
  readonly #opened: { close(): Promise<void> }[] = [];

  keep<T extends { close(): Promise<void> }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  /** A failure keeps nothing else from being closed; the first one is told in the end. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let last = this.#opened.pop(); last !== undefined; last = this.#opened.pop()) {
      await last.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** A database that is there and up to date: the embedded one is started and migrated, the configured one is migrated by `npm run migrate`. */
async function openOwnDatabase(config: Config, log: Log): Promise<{ url: string; close(): Promise<void> }> {
  if (config.databaseUrl !== undefined) {
    await assertUpToDate(config.databaseUrl);
    return { url: config.databaseUrl, close: async () => undefined };
  }
  if (config.isProduction) log.warn({}, 'DATABASE_URL is not set: using the embedded PostgreSQL, which is meant for development');
  const embedded = await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), log: (line) => log.warn({}, line) });
  await migrate(embedded.url);
  return { url: embedded.url, close: () => embedded.stop() };
}

/** A server on tables it does not know would fail at every request; the operator decides when they change. */
async function assertUpToDate(databaseUrl: string): Promise<void> {
  const { pending } = await inspectDatabase(databaseUrl);
  if (pending.length === 0) return;
  throw new MediakeepError(
    'STORAGE_UNAVAILABLE',
    `The database is not up to date (${pending.join(', ')}). Run \`npm run migrate\` (in the image \`node dist/src/migrate.js\`) first.`,
  );
}

interface Core {
  readonly library: MediaLibrary;
  readonly checks: Record<'database' | 'storage', (signal: AbortSignal) => Promise<void>>;
  readonly rateLimiter: Database['rateLimiter'];
  close(): Promise<void>;
}

/** The application on its adapters. */
async function openCore(config: Config, options: { databaseUrl: string; baseUrl: () => string; log: Log }): Promise<Core> {
  const { databaseUrl, baseUrl, log } = options;
  const storage = await openStorage(config);
  const database = await openDatabase({ url: databaseUrl, log });
  const library = new MediaLibrary({
    storage,
    store: database.store,
    images: new SharpImageTools(),
    videos: new ContainerProbe(),
    links: new LinkSigner({ secret: await linkSecret(config), baseUrl, clock: now }),
    limits: config.limits,
    uploadGraceSeconds: config.uploadGraceSeconds,
    uploadSessionSeconds: config.uploadSessionSeconds,
    imageMemoryBytes: Math.max(imageMemoryBytes, 2 * config.limits.maxImageBytes),
    pregenerateWidths: config.images.pregenerateWidths,
    stripsLocation: config.images.stripLocation,
    clock: now,
    newId: uuidv7,
    log,
  });
  const checks = {
    database: (signal: AbortSignal) => database.store.check(signal),
    storage: (signal: AbortSignal) => storage.check(signal),
  };
  const close = async (): Promise<void> => {
    await Promise.race([library.settled(), sleep(tidyingSeconds * 1000, undefined, { ref: false })]);
    await database.close();
    await storage.close?.();
  };
  return { library, checks, rateLimiter: database.rateLimiter, close };
}

/** The configured storage, ready. Closing it lets go of its connections. */
export async function openStorage({ storage, dataDir }: Config): Promise<ObjectStorage & { close?(): Promise<void> }> {
  if (storage.driver === 'disk') return await DiskStorage.open({ root: join(dataDir, 'objects') });
  // Google's libraries take 6 MB of heap, which every collection walks: they are loaded by those who use them.
  const { GcsStorage } = await import('./storage/gcs.ts');
  return await GcsStorage.open(storage);
}

/** Where browsers meet the bucket: behind links that redirect to it, and when they send the bytes of direct uploads. */
function bucketOrigin({ storage }: Config): string | undefined {
  if (storage.driver === 'disk') return undefined;
  return new URL(storage.apiEndpoint ?? 'https://storage.googleapis.com').origin;
}

function sweeping(library: MediaLibrary, config: Config, log: Log): BackgroundWork {
  return startSweeping(library, { intervalSeconds: config.sweepIntervalSeconds, log });
}

/** Who checks tokens, and, where this installation signs them itself in development, one for the user `demo`. */
export async function openSignIn(config: Config): Promise<{ authenticate: Authenticate; token: string | undefined }> {
  const { jwksUrl, jwtSecret, issuer, audience } = config.auth;
  const ownSecret = jwksUrl === undefined || jwtSecret !== undefined ? await signInSecret(config) : undefined;
  const authenticate = createSignIn({
    ...(ownSecret !== undefined && { secret: new TextEncoder().encode(ownSecret) }),
    ...(jwksUrl !== undefined && { jwksUrl: new URL(jwksUrl) }),
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  });
  const token = config.isProduction || ownSecret === undefined ? undefined : await developmentToken(config, 'demo');
  return { authenticate, token };
}

async function signInSecret(config: Config): Promise<string> {
  return config.auth.jwtSecret ?? (await developmentSecret(config.dataDir));
}

async function linkSecret(config: Config): Promise<string | Buffer> {
  return config.urlSigningSecret ?? derivedLinkSecret(await signInSecret(config));
}

function now(): Date {
  return new Date();
}

function welcome(url: string, token: string | undefined): string {
  const lines = [
    '',
    `Mediakeep is ready at ${url}`,
    `  Library page             ${url}/`,
    `  GraphQL and playground   ${url}/graphql`,
    `  REST                     ${url}/api/v1/media/`,
    `  REST, to try it          ${url}/api/v1/docs`,
  ];
  if (token !== undefined) {
    lines.push('', 'A development token of the user demo (npm run token -- USER makes others):', '', token);
  }
  return `${lines.join('\n')}\n\n`;
}
