import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGcsEmulator } from './gcs-emulator/server.ts';
import { startTestServer, type TestServer } from './server.ts';

/** The bucket's name. */
export const bucket = 'journey';

/** The product as an operator would start it on a bucket: by environment variables and a key file, nothing handed in. */
export async function startOnBucket(
  delivery: 'redirect' | 'proxy',
  environment: Record<string, string> = {},
): Promise<TestServer> {
  const emulator = await startGcsEmulator({ buckets: [{ name: bucket }] });
  const folder = await mkdtemp(join(tmpdir(), 'mediakeep-key-'));
  const keyFile = join(folder, 'key.json');
  await writeFile(keyFile, JSON.stringify(emulator.serviceAccount), { mode: 0o600 });
  // Google's library reads it by itself, as it does in production.
  process.env.GOOGLE_APPLICATION_CREDENTIALS = keyFile;
  const server = await startTestServer({
    ...environment,
    STORAGE_DRIVER: 'gcs',
    GCS_BUCKET: bucket,
    GCS_PROJECT_ID: 'test-project',
    GCS_API_ENDPOINT: emulator.url,
    DELIVERY: delivery,
  });
  return {
    ...server,
    storedFiles: async () => [...emulator.objects(bucket).keys()],
    clearFile: async (key) => {
      const headers = { authorization: `Bearer ${emulator.accessToken}` };
      const url = `${emulator.url}/storage/v1/b/${bucket}/o/${encodeURIComponent(key)}`;
      const { status } = await fetch(url, { method: 'DELETE', headers });
      if (status !== 204) throw new Error(`${key} could not be cleared away: ${status}`);
    },
    close: async () => {
      await server.close();
      delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
      await emulator.close();
      await rm(folder, { recursive: true });
    },
  };
}
