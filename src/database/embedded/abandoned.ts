import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes the folders of `parent` whose name begins with `prefix` and that nobody has touched for ten minutes: work that
 * a crash interrupted before it was renamed to its place. A younger one may be another process at work.
 */
export async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name);
    if (name.startsWith(prefix) && (await ageMs(folder)) > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}

const ABANDONED_MS = 10 * 60_000;

async function ageMs(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  return facts === undefined ? 0 : Date.now() - facts.mtimeMs;
}
