// A process of its own that adds what it reads to an upload session on a disk. Arguments: the storage's folder, the key, the size of the whole.
import { DiskStorage } from '../../dist/for-tests/src/storage/disk.js';

const [root, key, limit] = process.argv.slice(2);
const {
  sessions: { receiver },
} = await DiskStorage.open({ root });
const { signal } = new AbortController();
try {
  const offset = await receiver.held(key, signal);
  console.log(`AT ${offset}`);
  const held = await receiver.append(key, process.stdin, { offset, limitBytes: Number(limit), signal });
  console.log(`HELD ${held}`);
} catch (error) {
  console.log(`FAILED ${error.code ?? error}`);
}
process.exit();
