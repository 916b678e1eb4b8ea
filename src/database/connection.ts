import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, MikroORM, type Options } from '@mikro-orm/postgresql';
import pg from 'pg';
import type { Log } from '../media/ports.ts';
import { translated } from './failures.ts';
import { entities } from './mapping.ts';
import { Migration20261122220000 } from './migrations/Migration20261122220000.ts';
import { Migration20261122230100 } from './migrations/Migration20261122230100.ts';
import { Migration20261122230200 } from './migrations/Migration20261122230200.ts';
import { Migration20261122233000 } from './migrations/Migration20261122233000.ts';
import { Migration20261126230000 } from './migrations/Migration20261126230000.ts';
import { sharedRateLimiter } from './rate-limiter.ts';
import { AssetRows } from './rows.ts';
import { Statements } from './statements.ts';
import { PostgresMediaStore } from './store.ts';

/** Every migration, oldest first. Listed, not found by a file pattern: so the same list runs from src, from dist and in tests. */
const migrations = [
  { name: 'Migration20261122220000', class: Migration20261122220000 },
  { name: 'Migration20261122230100', class: Migration20261122230100 },
  { name: 'Migration20261122230200', class: Migration20261122230200 },
  { name: 'Migration20261122233000', class: Migration20261122233000 },
  { name: 'Migration20261126230000', class: Migration20261126230000 },
];

/** An open database. */
export interface Database {
  readonly store: PostgresMediaStore;
  /** Counts requests together with every process on this database; see rate-limiter.ts. */
  rateLimiter(perMinute: number): ReturnType<typeof sharedRateLimiter>;
  /** Ends every connection, once the statements that run have ended. */
  close(): Promise<void>;
}

/**
 * Opens a pool on `url` (`postgresql://user:password@host:port/database?...`, as libpq reads it). Connects when the first statement needs it,
 * so a database that is down is no failure here.
 */
export async function openDatabase(options: { url: string; poolSize?: number; log: Log }): Promise<Database> {
  const { url, poolSize = defaultPoolSize, log } = options;
  const orm = await MikroORM.init(ormOptions(url, { max: poolSize, ...limits }));
  const pool = await orm.em.getConnection().getNativeClient();
  pool.on('error', (error) =>
    log.warn({ err: error }, 'An idle connection to the database was lost; the next statement makes another'),
  );
  const statements = new Statements(pool);
  return {
    store: new PostgresMediaStore(statements, new AssetRows(orm.getMetadata())),
    rateLimiter: (perMinute) => sharedRateLimiter(statements, perMinute),
    close: async () => {
      await orm.close();
      if (!pool.ending) await pool.end();
    },
  };
}

/**
 * Brings the schema of the database up to date; answers the names of the migrations that it applied. All or nothing, and safe when several
 * processes start at once: one migrates, the others wait. STORAGE_UNAVAILABLE when the database does not answer.
 */
export async function migrate(url: string): Promise<string[]> {
  const orm = await MikroORM.init(ormOptions(url, { connectionTimeoutMillis: limits.connectionTimeoutMillis }));
  try {
    const connection = orm.em.getConnection();
    return await connection.transactional(async (lock) => {
      // The lock lasts as long as this transaction; the migrations have their own.
      await connection.execute(`set local lock_timeout = '${migrationPatienceSeconds}s'`, [], 'run', lock);
      await connection.execute(`select pg_advisory_xact_lock(hashtext('mediakeep migrations'))`, [], 'run', lock);
      const applied = await orm.migrator.up();
      return applied.map(({ name }) => name);
    });
  } catch (error) {
    throw translated(error);
  } finally {
    await orm.close();
  }
}

/** What MikroORM has to know; its command line reads it too (mikro-orm.config.ts). `driver` goes to the pg pool. */
export function ormOptions(url: string, driver: pg.PoolConfig = {}): Options {
  return defineConfig({
    entities,
    extensions: [Migrator],
    // pg's own reading of the URL, which knows sockets, certificates and other parameters; the ORM only wants to know the name.
    dbName: new pg.Client({ connectionString: url }).database ?? '',
    driverOptions: { connectionString: url, application_name: 'mediakeep', ...driver },
    // Otherwise opening the pool would connect, and create a database that is misspelt.
    ensureDatabase: false,
    // rate-limiter-flexible's own, and unlogged, which a mapping cannot say.
    schemaGenerator: { skipTables: ['rate_limits'] },
    migrations: {
      migrationsList: migrations,
      path: 'dist/src/database/migrations',
      pathTs: 'src/database/migrations',
      emit: 'ts',
      snapshot: false,
      silent: true,
      disableForeignKeys: false,
    },
  });
}

/** Statements take about a millisecond, so that this many connections serve thousands a second. PostgreSQL's own default allows 100 in all. */
const defaultPoolSize = 10;

/** How long a migration waits for one that is running, in seconds. */
const migrationPatienceSeconds = 120;

/** Every wait ends. The server cancels a statement before we stop listening to it, so that a slow one leaves no connection behind. */
const limits = {
  /** For a free connection of the pool, or a new one. */
  connectionTimeoutMillis: 5_000,
  statement_timeout: 10_000,
  query_timeout: 12_000,
  idle_in_transaction_session_timeout: 10_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const satisfies pg.PoolConfig;
