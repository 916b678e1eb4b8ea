import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type InstalledPackage, usableBinaries } from '../../src/database/embedded/binaries.ts';

/** Whom the binaries are for. */
const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mediakeep-binaries-'));
  await chmod(folder, 0o711);
});

afterEach(async () => {
  // A plain user cannot empty folders that are closed to writing: the package's library and what was copied of it.
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
  await rm(folder, { recursive: true, force: true });
});

test('binaries that cannot be used where they are installed run from one complete copy', async () => {
  const installed = await standInPackage(join(folder, 'closed'));
  const shelter = join(folder, 'shelter');
  const finds = await Promise.all([1, 2, 3].map(() => usableBinaries(installed, account, [shelter])));

  const bin = join(shelter, 'release', 'bin');
  expect(finds).toEqual([1, 2, 3].map(() => ({ initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') })));
  expect(await readdir(shelter)).toEqual(['release']);
});

test('binaries are never run from a folder that somebody else can write to', async () => {
  const installed = await standInPackage(join(folder, 'unused'));
  const shelter = join(folder, 'open');
  await mkdir(shelter);
  await chmod(shelter, 0o777);
  const failure = await usableBinaries(installed, account, [shelter]).catch((error: unknown) => error);
  expect(failure).toMatchObject({ cause: { message: `${shelter} is not a folder that only this user can write to.` } });
});

/**
 * A package with a program that runs only where it finds its library by the link's name. It is closed to another account,
 * and has no link nor a way to make one: what a plain user finds in a read-only installation.
 */
async function standInPackage(parent: string): Promise<InstalledPackage> {
  const native = join(parent, 'native');
  await mkdir(join(native, 'bin'), { recursive: true });
  await mkdir(join(native, 'lib'));
  await chmod(parent, 0o700);
  await writeFile(join(native, 'lib', 'library.so.1.2'), '');
  await writeFile(join(native, 'bin', 'postgres'), '#!/bin/sh\ntest -r "$(dirname "$0")/../lib/library.so.1"\n', { mode: 0o755 });
  const links = [{ source: 'native/lib/library.so.1.2', target: 'native/lib/library.so.1' }];
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  await chmod(join(native, 'lib'), 0o555);
  return { native, release: 'release' };
}
