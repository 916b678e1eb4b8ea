import { MikroORM } from '@mikro-orm/postgresql';
import { ormOptions } from './connection.ts';
import { translated } from './failures.ts';

/** What can be said of a database from outside. */
export interface DatabaseFacts {
  /** Such as `18.4`. */
  readonly version: string;
  /** Migrations that {@link migrate} would apply. */
  readonly pending: readonly string[];
  /** The database's clock. */
  readonly now: Date;
}

/** How long the database may take to answer, in milliseconds. */
const connectMs = 5_000;

/** Looks at a database without changing it. STORAGE_UNAVAILABLE when it does not answer. */
export async function inspectDatabase(url: string): Promise<DatabaseFacts> {
  const orm = await MikroORM.init(ormOptions(url, { connectionTimeoutMillis: connectMs }));
  try {
    const [row] = await orm.em
      .getConnection()
      .execute<{ version: string; now: string }[]>(
        `select current_setting('server_version') as version, to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now`,
      );
    const pending = await orm.migrator.getPending();
    return { version: row?.version ?? 'unknown', pending: pending.map(({ name }) => name), now: new Date(row?.now ?? 0) };
  } catch (error) {
    throw translated(error);
  } finally {
    await orm.close();
  }
}
