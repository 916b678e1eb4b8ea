import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { migrate } from '../../src/database/connection.ts';
import { createTestDatabase } from './database.ts';

/** The secret every test server signs with. */
export const testSecret = 'the secret of the tests, long enough for HS256';

/** The real server on a fresh database and a fresh disk storage, in this process. */
export interface TestServer {
  readonly url: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** Every file below the storage folder, as paths: what a sweep or a deletion should have left. */
  storedFiles(): Promise<string[]>;
  /** Takes one of them away, as an operator may. */
  clearFile(path: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts the product as `npm start` does, on a free port; `environment` overrides its variables. */
export async function startTestServer(environment: Record<string, string> = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  await migrate(database.url);
  const dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-test-'));
  const app = await startApp(
    readConfig({
      PORT: '0',
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      AUTH_JWT_SECRET: testSecret,
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'silent',
      ...environment,
    }),
  );
  return {
    url: app.url,
    dataDir,
    databaseUrl: database.url,
    storedFiles: () => filesBelow(join(dataDir, 'objects')),
    clearFile: (path) => rm(path),
    close: async () => {
      await app.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A token of `userId` that any test server takes. */
export function tokenOf(userId: string, lifetime = '1h'): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setExpirationTime(lifetime)
    .sign(new TextEncoder().encode(testSecret));
}

/** Every file below a folder, as paths; none when the folder is not there. */
export async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
