import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { onDisk, unless } from './disk-failure.ts';

/** Ids held in memory at once: 16 MB. Each so many cost one look at all names. */
const idsAtOnce = 100_000;

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The ids of all assets that have a folder below `root` (src/storage/disk.ts), in their order. They lie by their last digits, and a folder gives its names
 * in no order: so each pass over all names takes the smallest that are not out yet, and memory does not grow with their number. STORAGE_UNAVAILABLE.
 */
export async function* idsInOrder(root: string, signal: AbortSignal, atOnce = idsAtOnce): AsyncGenerator<string> {
  // On a volume that is not mounted there is nothing, which must not pass for an empty storage.
  await onDisk(lstat(join(root, 'tmp')));
  for (let after = ''; ; ) {
    const ids = await onDisk(smallestAfter(after, { root, atOnce, signal }));
    signal.throwIfAborted();
    yield* ids;
    if (ids.length < atOnce) return;
    after = ids.at(-1) ?? after;
  }
}

async function smallestAfter(
  after: string,
  { root, atOnce, signal }: { root: string; atOnce: number; signal: AbortSignal },
): Promise<string[]> {
  let smallest: string[] = [];
  let limit = '~';
  const trim = (): void => {
    smallest = smallest.sort().slice(0, atOnce);
    if (smallest.length === atOnce) limit = smallest.at(-1) ?? limit;
  };
  for await (const shard of namesIn(root)) {
    if (signal.aborted) return [];
    if (!/^[0-9a-f]{2}$/.test(shard)) continue;
    for await (const id of namesIn(join(root, shard))) {
      if (id > after && id < limit && idPattern.test(id) && smallest.push(id) >= 2 * atOnce) trim();
    }
  }
  trim();
  return smallest;
}

async function* namesIn(folder: string): AsyncGenerator<string> {
  const entries = await unless(['ENOENT', 'ENOTDIR'], opendir(folder));
  if (entries !== undefined) for await (const { name } of entries) yield name;
}
