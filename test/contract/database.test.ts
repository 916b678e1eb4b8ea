import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { migrate, openDatabase, ormOptions } from '../../src/database/connection.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import { newImage, silent } from '../support/media-store.ts';

describe('a migration', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test('is applied once by several processes that start at once, and not again later', async () => {
    const { url } = database;
    const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(applied.flat().length).toBeGreaterThan(0);
    expect(new Set(applied.flat()).size).toBe(applied.flat().length);
    expect(await migrate(url)).toEqual([]);
  });

  test('leaves the schema that the mapping describes', async () => {
    await migrate(database.url);
    const orm = await MikroORM.init(ormOptions(database.url));
    const difference = await orm.schema.getUpdateSchemaSQL();
    await orm.close();
    expect(difference).toBe('');
  });

  test('can be taken back', async () => {
    await migrate(database.url);
    const orm = await MikroORM.init(ormOptions(database.url));
    await orm.migrator.down({ to: 0 });
    await orm.close();
    expect(await query(database.url, "select tablename from pg_tables where tablename like 'media%'")).toEqual([]);
  });
});

describe('the schema itself', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
  });
  afterAll(() => database.drop());

  test.each(["kind = 'AUDIO'", "status = 'GONE'", 'size_bytes = -1', 'reserved_bytes = -1'])(
    'refuses an asset with %s',
    async (change) => {
      const opened = await openDatabase({ url: database.url, log: silent });
      await opened.store.begin(newImage('check'), { reserveBytes: 0, quotaBytes: undefined });
      await opened.close();
      await expect(query(database.url, `update media_assets set ${change}`)).rejects.toMatchObject({ code: '23514' });
    },
  );

  test.each(['asset_count', 'size_bytes', 'reserved_bytes'])('refuses a negative %s', async (column) => {
    const values = ['asset_count', 'size_bytes', 'reserved_bytes'].map((each) => (each === column ? -1 : 0));
    const insert = `insert into media_usage values ('below', ${values.join(', ')})`;
    await expect(query(database.url, insert)).rejects.toMatchObject({ code: '23514' });
  });
});

describe('a database that', () => {
  test('is not there makes every call STORAGE_UNAVAILABLE at once, with the cause kept and nothing of it in the message', async () => {
    const url = `postgresql://nobody:secret@127.0.0.1:${await closedPort()}/nothing`;
    const { store, close } = await openDatabase({ url, log: silent });
    const started = performance.now();
    for (const call of [store.check(AbortSignal.timeout(5_000)), store.usage('x'), store.touch(newImage('x').id), migrate(url)]) {
      await expect(call).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
        message: 'The database does not answer at the moment. Please try again.',
        cause: { code: 'ECONNREFUSED' },
      });
    }
    expect(performance.now() - started).toBeLessThan(2_000);
    await close();
  });

  test('accepts connections but never answers fails the check after two seconds, or as soon as the caller has waited long enough', async () => {
    const mute = await muteServer();
    const { store, close } = await openDatabase({ url: mute.url, log: silent });
    const started = performance.now();
    await expect(store.check(AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(performance.now() - started).toBeLessThan(1_500);
    await expect(store.check(new AbortController().signal)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(performance.now() - started).toBeLessThan(4_000);
    mute.close();
    await close();
  });

  test('answers lets the check pass', async () => {
    const { url, drop } = await createTestDatabase();
    await migrate(url);
    const { store, close } = await openDatabase({ url, log: silent });
    await store.check(AbortSignal.timeout(5_000));
    await close();
    await drop();
  });

  test('only reads, as a standby does, fails the check', async () => {
    const { url, drop } = await createTestDatabase();
    await migrate(url);
    const { store, close } = await openDatabase({ url: `${url}?options=-c%20default_transaction_read_only%3Don`, log: silent });
    await expect(store.check(AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      cause: { code: '25006' },
    });
    await close();
    await drop();
  });

  test('ends our connections costs the statements of that moment, and neither the process nor the next ones', async () => {
    const { url, drop } = await createTestDatabase();
    await migrate(url);
    const { promise: warned, resolve: warn } = Promise.withResolvers<string>();
    const { store, close } = await openDatabase({ url, log: { ...silent, warn: (_fields, message) => warn(message) } });
    await Promise.all([store.usage('x'), store.usage('x')]);
    const admin = new pg.Client(url);
    await admin.connect();
    await admin.query('begin; lock table media_assets');
    const waiting = store.findShared(newImage('x').id);
    waiting.catch(() => undefined);
    await admin.query(endOthers);
    await expect(waiting).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause: { code: '57P01' } });
    expect(await warned).toMatch(/^An idle connection/);
    await admin.end();
    expect(await store.findShared(newImage('x').id)).toBeUndefined();
    await close();
    await drop();
  });

  test('has too few connections for a burst serves it all the same, in turn', async () => {
    const { url, drop } = await createTestDatabase();
    await migrate(url);
    const { store, close } = await openDatabase({ url, poolSize: 2, log: silent });
    const answers = await Promise.all(Array.from({ length: 50 }, () => store.usage('x')));
    expect(answers).toHaveLength(50);
    await close();
    await drop();
  });

  test('hangs is not waited for by more than a thousand statements: the next is OVERLOADED at once, and all is well when it answers again', async () => {
    const { url, drop } = await createTestDatabase();
    await migrate(url);
    const { store, close } = await openDatabase({ url, poolSize: 2, log: silent });
    const admin = new pg.Client(url);
    await admin.connect();
    await admin.query('begin; lock table media_usage');
    const waiting = Array.from({ length: 1002 }, () => store.usage('x'));
    await expect(store.usage('x')).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 2 });
    await admin.query('rollback');
    await expect(Promise.all(waiting)).resolves.toHaveLength(1002);
    await admin.end();
    await close();
    await drop();
  });
});

/** Ends every other connection to the database, once one of them waits for a lock. */
const endOthers = `
  do $$ begin
    for attempt in 1..500 loop
      exit when exists (select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database()));
      perform pg_sleep(0.01);
    end loop;
    perform pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
  end $$`;

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Something that takes connections and says nothing. */
async function muteServer(): Promise<{ url: string; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  const url = `postgresql://nobody:secret@127.0.0.1:${await listening(server)}/nothing`;
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url, close };
}
