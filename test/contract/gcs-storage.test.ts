import { describe } from '@jest/globals';
import { GcsStorage } from '../../src/storage/gcs.ts';
import { startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { bucket, leftoversOf, longPatience, openOn } from './gcs-emulated.ts';
import { describeObjectStorage } from './object-storage.ts';
import type { OpenedStorage } from './storage-under-test.ts';

describeObjectStorage('GcsStorage on an emulator', () => openEmulated({ checkPreconditionsAtStart: true }));

describeObjectStorage('GcsStorage on an emulator that checks preconditions at the end only, and lists short pages', () =>
  openEmulated({ checkPreconditionsAtStart: false, listPageLimit: 3 }),
);

// A bucket of yours, with Application Default Credentials: what the suite leaves in it is removed at the end.
const realBucket = process.env.GCS_TEST_BUCKET;
if (realBucket !== undefined) describe('the real thing', () => describeObjectStorage('GcsStorage', () => openReal(realBucket)));

async function openEmulated(settings: { checkPreconditionsAtStart: boolean; listPageLimit?: number }): Promise<OpenedStorage> {
  const emulator = await startGcsEmulator({ buckets: [{ name: bucket, uniformBucketLevelAccess: true }], ...settings });
  const storage = await openOn(emulator, {
    chunkBytes: 1024 * 1024,
    patience: longPatience,
    idleMs: 10_000,
  });
  return {
    storage,
    leftovers: async () => leftoversOf(emulator),
    heldBytes: () => {
      const whole = [...emulator.objects(bucket).values()].map(({ size }) => size);
      const partial = emulator.liveSessions().map(({ heldBytes }) => heldBytes);
      return [...whole, ...partial].reduce((sum, each) => sum + each, 0);
    },
    close: async () => {
      await storage.close();
      await emulator.close();
    },
  };
}

async function openReal(name: string): Promise<OpenedStorage> {
  const storage = await GcsStorage.open({ bucket: name, projectId: undefined, apiEndpoint: undefined, delivery: 'redirect' });
  const prefixes = new Set<string>();
  const put = storage.put.bind(storage);
  storage.put = (key, ...rest) => {
    prefixes.add(`${key.slice(0, key.indexOf('/'))}/`);
    return put(key, ...rest);
  };
  return {
    storage,
    leftovers: async () => [],
    close: async () => {
      for (const prefix of prefixes) await storage.removeAll(prefix, AbortSignal.timeout(60_000));
      await storage.close();
    },
  };
}
