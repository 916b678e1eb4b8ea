import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate, openDatabase } from '../../src/database/connection.ts';
import { createTestDatabase, query, type TestDatabase } from '../support/database.ts';
import { listening } from '../support/http.ts';
import { silent } from '../support/media-store.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await migrate(database.url);
});
afterAll(() => database.drop());

/** A server process with its own pool, that counts in the database. */
async function startProcess(perMinute: number) {
  const opened = await openDatabase({ url: database.url, log: silent });
  const server = await listening({ rateLimitPerMinute: perMinute, rateLimiter: opened.rateLimiter(perMinute) });
  const ask = async (user: string): Promise<Response> =>
    await fetch(`${server.url}/nothing`, { headers: { authorization: `Bearer ${user}` } });
  const close = async (): Promise<void> => {
    await server.server.close({ graceSeconds: 0 });
    await opened.close();
  };
  return { ask, close };
}

describe('a rate limit counted in the database', () => {
  test('holds for all processes together, exactly, and tells when to come back', async () => {
    const processes = [await startProcess(20), await startProcess(20), await startProcess(20)];
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => await processes[index % 3]?.ask('anna')));
    expect(answers.filter((answer) => answer?.status === 404)).toHaveLength(20);
    const refused = answers.filter((answer) => answer?.status === 429);
    expect(refused).toHaveLength(40);
    for (const answer of refused) expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThan(50);
    expect((await processes[0]?.ask('otto'))?.status).toBe(404);
    await Promise.all(processes.map(({ close }) => close()));
  });

  test('asks the database no more about a user whose minute is used up', async () => {
    const one = await startProcess(2);
    for (let count = 0; count < 2; count += 1) await one.ask('eve');
    for (let count = 0; count < 10; count += 1) expect((await one.ask('eve')).status).toBe(429);
    const [row] = await query(database.url, `select points from rate_limits where key like '%user:eve'`);
    expect(row).toEqual({ points: 2 });
    await one.close();
  });

  test('that hangs costs a request a second, after which each process counts on its own', async () => {
    const one = await startProcess(2);
    const admin = new pg.Client(database.url);
    await admin.connect();
    await admin.query('begin; lock table rate_limits');
    const begun = performance.now();
    const answers = await Promise.all([one.ask('zoe'), one.ask('zoe'), one.ask('zoe')]);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(answers.map(({ status }) => status).sort()).toEqual([404, 404, 429]);
    await admin.query('rollback');
    await admin.end();
    await one.close();
  });
});
