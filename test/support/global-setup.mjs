import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Node strips the types: this file runs outside of Jest's transform.
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { compileSources } from './compile.ts';

/** JavaScript for the processes that tests start, and one throw-away PostgreSQL for all tests; test/support/database.ts makes the databases in it. */
export default async function startDatabase() {
  compileSources();
  const dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir, ephemeral: true, log: console.error });
  process.env.TEST_DATABASE_URL = postgres.url;
  globalThis.mediakeepTestDatabase = { postgres, dataDir };
}
