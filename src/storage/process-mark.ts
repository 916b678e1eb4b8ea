import { readFile, readlink } from 'node:fs/promises';
import { unless } from './disk-failure.ts';

/**
 * A name of this process that no other has or will have, as Linux knows it: `<start of the machine>-<space of process numbers>-<number>-<start>`. Undefined
 * elsewhere.
 */
export async function processMark(): Promise<string | undefined> {
  const machine = await machineMark();
  const start = await startOf('self');
  return machine && start && `${machine}-${process.pid}-${start}`;
}

/**
 * Whether the process with this mark has certainly ended, with everything it had begun. False when that cannot be known: of another machine, or of a
 * container with process numbers of its own.
 */
export async function hasEnded(mark: string): Promise<boolean> {
  const [, machine, number, start] = /^(.+)-(\d+)-(\d+)$/.exec(mark) ?? [];
  if (number === undefined || machine !== (await machineMark())) return false;
  return (await startOf(number)) !== start;
}

async function machineMark(): Promise<string | undefined> {
  // EACCES and the like: a process that may not know is one that does not.
  const bootId = await unless(unknown, readFile('/proc/sys/kernel/random/boot_id', 'utf8'));
  const space = await unless(unknown, readlink('/proc/self/ns/pid'));
  const [, number] = /^pid:\[(\d+)\]$/.exec(space ?? '') ?? [];
  return bootId && number && `${bootId.trim().replaceAll('-', '')}-${number}`;
}

/** When a process began, in ticks since the machine did (proc_pid_stat(5), field 22). Its name, field 2, may hold anything but ends at the last bracket. */
async function startOf(process: string): Promise<string | undefined> {
  const stat = await unless(['ENOENT', 'ESRCH'], readFile(`/proc/${process}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

const unknown = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'];
