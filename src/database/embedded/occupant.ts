import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The PostgreSQL server that is alive on a data folder. */
export interface Occupant {
  pid: number;
  port: number;
  /** It answers queries: neither starting nor stopping. */
  ready: boolean;
  /** The Mediakeep process that started it, while that lives. */
  owner: number | undefined;
}

/** What postmaster.pid says: a living server of ours, a process number that something else has by now, or neither. */
export interface Occupancy {
  occupant?: Occupant;
  reusedPid?: number;
}

/**
 * Settings that do nothing but mark the server's command line with its data folder and its owner, so that whoever finds it
 * learns both from the kernel: nothing written to a file can outlive the processes it speaks of.
 */
export async function marksOf(data: string): Promise<string[]> {
  return ['-c', await dataMark(data), '-c', `${OWNER}${process.pid}@${birthOf(process.pid)}`];
}

/** Who has the data folder now. */
export async function occupancyOf(data: string): Promise<Occupancy> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid < 2) return {};

  const words = commandLineOf(pid);
  if (words === undefined) return {};
  if (words.includes(await dataMark(data))) {
    return { occupant: { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready', owner: livingOwner(words) } };
  }
  // A postgres without our mark may be one that somebody started by hand: PostgreSQL's own lock decides about it.
  return basename(words[0] ?? '') === 'postgres' ? {} : { reusedPid: pid };
}

const OWNER = 'mediakeep.owner=';

/** By inode, as PostgreSQL does for its shared memory: paths have several spellings. */
async function dataMark(data: string): Promise<string> {
  const { dev, ino } = await stat(data, { bigint: true });
  return `mediakeep.data=${dev}-${ino}`;
}

/** The words of a living process; a dead one not yet collected by its parent has none. */
function commandLineOf(pid: number): string[] | undefined {
  if (process.platform === 'linux') return fromProc(pid, 'cmdline')?.split('\0');
  return fromPs(pid, 'command')?.split(' ');
}

/** A process number comes back (in a container, at every start); together with the time of birth it does not. */
function livingOwner(words: string[]): number | undefined {
  const [pid, birth] =
    words
      .find((word) => word.startsWith(OWNER))
      ?.slice(OWNER.length)
      .split('@') ?? [];
  return birth !== undefined && birth === birthOf(Number(pid)) ? Number(pid) : undefined;
}

function birthOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return fromPs(pid, 'lstart')?.trim().replaceAll(' ', '_');
  // proc(5): the name in brackets may hold anything, so count from its end: state, then starttime as the 22nd field.
  const fields = fromProc(pid, 'stat')?.split(') ').at(-1)?.split(' ');
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

function fromProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

function fromPs(pid: number, column: string): string | undefined {
  try {
    return execFileSync('/bin/ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } });
  } catch {
    return undefined;
  }
}
