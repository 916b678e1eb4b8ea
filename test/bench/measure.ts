import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a piece of work cost a server process. */
export interface Cost {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  /** By the clock, without the pause for trailing work. */
  readonly wallSeconds: number;
}

/** What a piece of work did to a server's memory, in resident bytes. */
export interface MemoryRise {
  /** Settled, before the work. */
  readonly baselineBytes: number;
  /** The highest moment of the work. */
  readonly peakBytes: number;
}

/** User and system time that a living process has used, its dead threads included, in steps of 10 ms. Linux only. */
export function cpuSecondsOf(pid: number): number {
  // proc(5): the name in brackets may hold anything, so count from its end; utime and stime are fields 14 and 15.
  const fields = procFile(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The CPU that process `pid` spends on `work`, and on what it still tidies up in the moment after. */
export async function costOf(pid: number, work: () => Promise<unknown>): Promise<Cost> {
  const cpuBefore = cpuSecondsOf(pid);
  const start = performance.now();
  await work();
  const wallSeconds = (performance.now() - start) / 1000;
  await sleep(trailingWorkMs);
  return { cpuSeconds: cpuSecondsOf(pid) - cpuBefore, wallSeconds };
}

/** Resident memory of a process now. */
export function residentBytesOf(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** Files, sockets and pipes that a process has open. Linux only. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Waits until a process's resident memory has settled, then watches its peak during `work`. */
export async function memoryRiseOf(pid: number, work: () => Promise<unknown>): Promise<MemoryRise> {
  const baselineBytes = await settledBytesOf(pid);
  // proc(5): 5 resets the peak to what is resident now, so the kernel sees every moment that sampling would miss.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  await work();
  return { baselineBytes, peakBytes: statusBytes(pid, 'VmHWM') };
}

/** The middle value, or the mean of the two middle ones; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** USER_HZ: 100 in the interface of every Linux, whatever the kernel's own clock. */
const ticksPerSecond = 100;
const trailingWorkMs = 100;
const settledWithinBytes = 1024 ** 2;
const settleStepMs = 500;
const settleSteps = 20;

/** Resident memory once it moves by less than 1 MiB in half a second; after ten seconds, whatever it is. */
export async function settledBytesOf(pid: number): Promise<number> {
  let last = residentBytesOf(pid);
  for (let step = 0; step < settleSteps; step += 1) {
    await sleep(settleStepMs);
    const now = residentBytesOf(pid);
    if (Math.abs(now - last) < settledWithinBytes) return now;
    last = now;
  }
  return last;
}

function statusBytes(pid: number, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(procFile(pid, 'status'))?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status does not tell ${field}.`);
  return Number(kibibytes) * 1024;
}

function procFile(pid: number, name: string): string {
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it runs on Linux only.');
  return readFileSync(`/proc/${pid}/${name}`, 'utf8');
}
