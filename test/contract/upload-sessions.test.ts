import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStorage } from '../../src/media/ports.ts';
import { DiskStorage } from '../../src/storage/disk.ts';
import { startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { MemoryStorage } from '../support/memory.ts';
import { ReceiverSender } from '../support/receiver-sender.ts';
import { HttpSender } from '../support/session-sender.ts';
import { bucket, leftoversOf, longPatience, openOn } from './gcs-emulated.ts';
import { describeSessionsOfStorage, describeUploadSessions, openIn, type SenderOf } from './upload-sessions.ts';

interface OpenedStorage {
  readonly storage: ObjectStorage;
  readonly senderOf: SenderOf;
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

const storages: [string, () => Promise<OpenedStorage>][] = [
  ['MemoryStorage', openMemory],
  ['DiskStorage', openDisk],
  ['GcsStorage on an emulator', () => openEmulated({ checkPreconditionsAtStart: true })],
  [
    'GcsStorage on an emulator that checks preconditions at the end only',
    () => openEmulated({ checkPreconditionsAtStart: false }),
  ],
];

for (const [name, open] of storages) {
  describeUploadSessions(name, async () => {
    const { storage, senderOf, leftovers, close } = await open();
    return { storage, open: openIn(storage, senderOf), leftovers, close };
  });
  describeSessionsOfStorage(name, open);
}

async function openMemory(): Promise<OpenedStorage> {
  const storage = new MemoryStorage();
  const leftovers = async (): Promise<string[]> => storage.sessions.live;
  return { storage, senderOf: receiving(storage), leftovers, close: async () => undefined };
}

async function openDisk(): Promise<OpenedStorage> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'mediakeep-sessions-')));
  const storage = await DiskStorage.open({ root });
  const leftovers = async (): Promise<string[]> =>
    (await Promise.all(['tmp', 'sessions'].map((name) => readdir(join(root, name))))).flat();
  return { storage, senderOf: receiving(storage), leftovers, close: () => rm(root, { recursive: true }) };
}

async function openEmulated(settings: { checkPreconditionsAtStart: boolean }): Promise<OpenedStorage> {
  const emulator = await startGcsEmulator({ buckets: [{ name: bucket, uniformBucketLevelAccess: true }], ...settings });
  const storage = await openOn(emulator, { patience: longPatience, idleMs: 10_000 });
  return {
    storage,
    senderOf: (_key, uri = '') => new HttpSender(uri),
    leftovers: async () => leftoversOf(emulator),
    close: async () => {
      await storage.close();
      await emulator.close();
    },
  };
}

function receiving({ sessions: { receiver } }: ObjectStorage): SenderOf {
  if (receiver === undefined) throw new Error('It has an endpoint of its own');
  return (key) => new ReceiverSender(receiver, key);
}
