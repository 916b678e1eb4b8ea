import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskStorage } from '../../src/storage/disk.ts';
import { describeUploadSessions } from '../contract/upload-sessions.ts';
import { overRest } from '../support/direct-door.ts';
import { startTestServer, tokenOf } from '../support/server.ts';
import { HttpSender } from '../support/session-sender.ts';

// The same sentences as a bucket's: so that one client serves both.
describeUploadSessions('the server itself, when it keeps its objects on disk', async () => {
  const server = await startTestServer();
  const root = join(server.dataDir, 'objects');
  const storage = await DiskStorage.open({ root });
  const door = overRest(server, await tokenOf('ada'));
  return {
    storage,
    open: async (size) => {
      const { id, url } = await door.create({ kind: 'VIDEO', filename: 'a film.mp4', mimeType: 'video/mp4', size });
      const sender = new HttpSender(url);
      const cancel = async (): Promise<void> => {
        const status = await sender.cancel();
        if (![499, 404, 410].includes(status)) throw new Error(`A cancel was answered with ${status}`);
      };
      return { key: `${id}/original`, sender, cancel };
    },
    leftovers: async () => (await Promise.all(['tmp', 'sessions'].map((name) => readdir(join(root, name))))).flat(),
    close: server.close,
  };
});
