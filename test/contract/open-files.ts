import { readdir, readlink } from 'node:fs/promises';

/** Descriptors of this process on anything below `root`. Linux tells; elsewhere none are seen. */
export async function openFilesBelow(root: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(descriptors.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(root));
}
