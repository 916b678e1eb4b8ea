import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from './findings.ts';
import { costOf, type MemoryRise, median, memoryRiseOf } from './measure.ts';
import { type Server, startServer } from './servers.ts';
import type { Suite } from './stage.ts';

/** Bytes from memory into a bucket that keeps nothing: what our upload costs beside the official client's stream and a bare HTTP request. */
export const gcs: Suite = async ({ isQuick }) => {
  const dir = await mkdtemp(join(tmpdir(), 'mediakeep-bench-gcs-'));
  const ending = new AbortController();
  const start = (script: string, environment: Record<string, string>): Promise<Server> =>
    startServer({
      nodeArguments: ['--import', '@swc-node/register/esm-register', `test/bench/${script}`],
      environment: { NODE_ENV: 'production', ...environment },
      logFile: join(dir, `${script}.log`),
      signal: ending.signal,
    });
  try {
    const sink = await start('gcs-sink.ts', {});
    const startSender = (): Promise<Server> => start('gcs-sender.ts', { SINK_URL: sink.url });
    return [...(await cpu(startSender, isQuick ? 1 : 3)), ...(await memory(startSender, isQuick ? 1 : 3))];
  } finally {
    ending.abort();
    await rm(dir, { recursive: true, force: true });
  }
};

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

/** One chunk, as test/bench/gcs-sender.ts sets it. */
const chunkMebibytes = 8;

/** CPU of our upload of a GiB, in seconds. */
const cpuAtMost = 1;

/** Memory of each further upload beyond what a bare request takes, in chunks. */
const chunksAtMost = 1.5;

const floor = 'bare http pipe';
const ways = [floor, 'ours', 'official client, default', 'official client, chunked'];
const uploadsAtOnce = 10;

/** The ways take turns in one process each, so that whatever else the machine does meets all of them. */
async function cpu(startSender: () => Promise<Server>, rounds: number): Promise<Finding[]> {
  const senders = await Promise.all(ways.map(startSender));
  const seconds = ways.map((): number[] => []);
  const wall = ways.map((): number[] => []);
  // The first round is for the compilers.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, how] of ways.entries()) {
      const bytes = round === 0 ? 64 * mebibyte : gibibyte;
      const cost = await costOf(senders[index]?.pid ?? 0, () => send(senders[index], { how, bytes, atOnce: 1, pieces: 'used' }));
      if (round === 0) continue;
      seconds[index]?.push(cost.cpuSeconds);
      wall[index]?.push(cost.wallSeconds);
    }
  }
  await Promise.all(senders.map((sender) => sender.stop()));
  const against = { name: floor, measured: median(seconds[0] ?? []) };
  return ways.map((how, index) => ({
    what: 'to a bucket, 1 GiB',
    how,
    unit: 's',
    measured: median(seconds[index] ?? []),
    rounds: seconds[index] ?? [],
    throughput: `${Math.round(gibibyte / 1e6 / median(wall[index] ?? []))} MB/s`,
    ...(how !== floor && { against }),
    ...(how === 'ours' && { limit: { of: 'measured' as const, atMost: cpuAtMost } }),
  }));
}

async function memory(startSender: () => Promise<Server>, rounds: number): Promise<Finding[]> {
  const further = ways.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, how] of ways.entries()) further[index]?.push(await furtherMebibytes(startSender, how));
  }
  const floorMebibytes = median(further[0] ?? []);
  return ways.map((how, index) => ({
    what: how === 'ours' ? 'each further upload, beyond the pipe' : 'each further upload',
    how: `${how}, memory`,
    unit: 'MiB',
    measured: median(further[index] ?? []) - (how === 'ours' ? floorMebibytes : 0),
    rounds: further[index] ?? [],
    ...(how === 'ours' && { limit: { of: 'measured' as const, atMost: chunksAtMost * chunkMebibytes } }),
  }));
}

/** What ten uploads at once take more than one does, for each of the nine, on a fresh process that has sent one before. */
async function furtherMebibytes(startSender: () => Promise<Server>, how: string): Promise<number> {
  const sender = await startSender();
  const sending = (atOnce: number): Promise<MemoryRise> =>
    memoryRiseOf(sender.pid, () => send(sender, { how, bytes: 128 * mebibyte, atOnce, pieces: 'fresh' }));
  await send(sender, { how, bytes: 128 * mebibyte, atOnce: 1, pieces: 'fresh' });
  const one = await sending(1);
  const several = await sending(uploadsAtOnce);
  await sender.stop();
  return (several.peakBytes - one.peakBytes) / (uploadsAtOnce - 1) / mebibyte;
}

interface Order {
  readonly how: string;
  readonly bytes: number;
  readonly atOnce: number;
  readonly pieces: 'used' | 'fresh';
}

async function send(sender: Server | undefined, { how, bytes, atOnce, pieces }: Order): Promise<void> {
  const query = new URLSearchParams({ how, bytes: String(bytes), atOnce: String(atOnce), pieces });
  const answer = await fetch(`${sender?.url}/send?${query}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`${how}: ${answer.status} ${await answer.text()}`);
}
