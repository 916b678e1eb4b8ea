import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { deleteFromOurs, graphqlUpload, linksTo, uploadedIds } from './doors.ts';
import type { Finding } from './findings.ts';
import { type Call, send } from './load.ts';
import { costOf, median, memoryRiseOf } from './measure.ts';
import { photo, type Sample } from './samples.ts';
import { startServer } from './servers.ts';
import type { Stage, StagedServer, Suite } from './stage.ts';

/** Renditions: what a photo with three of them costs, what a cached one costs, and what a crowd of new ones does to memory. */
export const images: Suite = async (stage) => [...(await photos(stage)), ...(await cached(stage)), ...(await crowd(stage))];

const widths = [384, 768, 1600] as const;
const photoCpuAtMost = 1.3;
const cachedCpuAtMost = 1.5;
/** What is decoded and encoded at a time (two pictures on two cores), what is kept of the last decodes (64 MiB), and what the allocator holds on to: 305 to 387 were measured. */
const crowdMebibytesAtMost = 450;
const mebibyte = 1024 ** 2;

/** Ways to three renditions of a photo, each against the plain upload and one cascade of sharp's. */
async function photos(stage: Stage): Promise<Finding[]> {
  const sample = await photo({ width: 6000, height: 4000, aboutBytes: 5_000_000 });
  const bytes = Buffer.concat([...sample.chunks()]);
  const ours = await stage.startOurs();
  const ahead = await stage.startOurs({ IMAGE_PREGENERATE: widths.join(',') });
  const times = stage.isQuick ? 3 : 6;
  const ways: [string, () => Promise<number>][] = [
    ['plain upload', () => serverCpu(ours, sample, times, async () => undefined)],
    ['one cascade', () => ownCpu(times, () => cascade(bytes))],
    ['made ahead', () => serverCpu(ahead, sample, times, (id) => stored(ahead, id, widths.length))],
    ['asked at once', () => serverCpu(ours, sample, times, async (id) => fetchAll(await linksTo(ours, id, widths)))],
    ['asked one by one, large first', () => serverCpu(ours, sample, times, (id) => fetchEach(ours, id, widths.toReversed()))],
    ['asked one by one, small first', () => serverCpu(ours, sample, times, (id) => fetchEach(ours, id, widths))],
  ];
  const rounds = ways.map((): number[] => []);
  // The first round is for the compilers.
  for (let round = 0; round <= (stage.isQuick ? 3 : 5); round += 1) {
    for (const [index, [, measure]] of ways.entries()) {
      const milliseconds = await measure();
      if (round > 0) rounds[index]?.push(milliseconds);
    }
  }
  await ours.stop();
  await ahead.stop();
  const [plain = [], alone = []] = rounds;
  const against = { name: 'plain upload + cascade', measured: median(plain) + median(alone) };
  return ways.map(([how], index) => ({
    what: 'photo 24 MP, 3 renditions',
    how,
    unit: 'ms',
    measured: median(rounds[index] ?? []),
    rounds: rounds[index] ?? [],
    ...(index > 1 && { against, limit: { of: 'ratio' as const, atMost: photoCpuAtMost } }),
  }));
}

/** CPU of the server for one upload and what follows, in ms. */
async function serverCpu(
  server: StagedServer,
  sample: Sample,
  times: number,
  then: (id: string) => Promise<unknown>,
): Promise<number> {
  const ids: string[] = [];
  const { cpuSeconds } = await costOf(server.pid, async () => {
    for (let time = 0; time < times; time += 1) {
      const [id = ''] = uploadedIds(await send(graphqlUpload(server, 'image', sample)), sample);
      ids.push(id);
      await then(id);
    }
  });
  await deleteFromOurs(server, ids);
  return (cpuSeconds * 1000) / times;
}

async function ownCpu(times: number, work: () => Promise<unknown>): Promise<number> {
  sharp.cache(false);
  sharp.concurrency(1);
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

/** The same three files by sharp alone, with the same settings: one decode, each size out of the next larger one. */
async function cascade(bytes: Buffer): Promise<void> {
  let from = sharp(bytes).autoOrient();
  for (const width of widths.toReversed()) {
    const { data, info } = await from.resize(width).raw().toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    await sharp(data, { raw }).webp({ quality: 80, effort: 2 }).toBuffer();
    from = sharp(data, { raw });
  }
}

async function fetchAll(urls: readonly string[]): Promise<void> {
  await Promise.all(urls.map((url) => send({ method: 'GET', url, headers: {} })));
}

async function fetchEach(server: StagedServer, id: string, sizes: readonly number[]): Promise<void> {
  for (const url of await linksTo(server, id, sizes)) await fetchAll([url]);
}

/** Waits until so many renditions of an asset are in the storage. */
async function stored(server: StagedServer, id: string, count: number): Promise<void> {
  const folder = join(server.filesDir, 'objects', id.slice(-2), id);
  while ((await readdir(folder)).length < 1 + count) await sleep(20);
}

/** A rendition that is there already, against Fastify with a file of the same bytes. */
async function cached(stage: Stage): Promise<Finding[]> {
  const ours = await stage.startOurs();
  const sample = await photo({ width: 1024, height: 768, aboutBytes: 100_000 });
  const [id = ''] = uploadedIds(await send(graphqlUpload(ours, 'image', sample)), sample);
  const dir = await mkdtemp(join(tmpdir(), 'mediakeep-bench-static-'));
  const ending = new AbortController();
  try {
    await mkdir(join(dir, 'files'));
    const [url = ''] = await linksTo(ours, id, [640]);
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    await writeFile(join(dir, 'files', 'picture.webp'), bytes);
    const floor = await startServer({
      nodeArguments: ['--import', '@swc-node/register/esm-register', 'test/bench/static-files.ts'],
      environment: { NODE_ENV: 'production', FILES_DIR: join(dir, 'files') },
      logFile: join(dir, 'log'),
      signal: ending.signal,
    });
    const ways: { pid: number; call: Call }[] = [
      { pid: floor.pid, call: { method: 'GET', url: `${floor.url}/picture.webp`, headers: {} } },
      { pid: ours.pid, call: { method: 'GET', url, headers: {} } },
    ];
    const times = stage.isQuick ? 1000 : 3000;
    for (const { call } of ways) await send(call, { times, atOnce: 4 });
    const rounds = ways.map((): number[] => []);
    for (let round = 0; round < (stage.isQuick ? 3 : 7); round += 1) {
      for (const [index, { pid, call }] of ways.entries()) {
        const { cpuSeconds } = await costOf(pid, () => send(call, { times, atOnce: 4 }));
        rounds[index]?.push((cpuSeconds * 1000) / times);
      }
    }
    await floor.stop();
    await ours.stop();
    const [still = [], signed = []] = rounds;
    const what = `cached rendition, ${Math.round(bytes.length / 1000)} KB`;
    const against = { name: 'static file', measured: median(still) };
    return [
      { what, how: 'static file by Fastify', unit: 'ms', measured: median(still), rounds: still },
      {
        what,
        how: 'signed link',
        unit: 'ms',
        measured: median(signed),
        rounds: signed,
        against,
        limit: { of: 'ratio', atMost: cachedCpuAtMost },
      },
    ];
  } finally {
    ending.abort();
    await rm(dir, { recursive: true, force: true });
  }
}

/** 208 renditions asked for at once that nobody has made, of photos of 24 megapixels. */
async function crowd(stage: Stage): Promise<Finding[]> {
  const sample = await photo({ width: 6000, height: 4000, aboutBytes: 5_000_000 });
  const rounds: number[] = [];
  let refusals = 0;
  for (let round = 0; round < (stage.isQuick ? 1 : 3); round += 1) {
    const ours = await stage.startOurs();
    const ids = uploadedIds(await send(graphqlUpload(ours, 'image', sample), { times: crowdPhotos }), sample);
    const urls = (await Promise.all(ids.map((id) => linksTo(ours, id, crowdWidths)))).flat();
    const { baselineBytes, peakBytes } = await memoryRiseOf(ours.pid, async () => {
      const statuses = await Promise.all(urls.map(statusOf));
      refusals = statuses.filter((status) => status !== 200).length;
    });
    rounds.push((peakBytes - baselineBytes) / mebibyte);
    await ours.stop();
  }
  return [
    {
      what: `${crowdWidths.length * crowdPhotos} new renditions at once`,
      how: 'memory, growth',
      unit: 'MiB',
      measured: median(rounds),
      rounds,
      limit: { of: 'measured', atMost: crowdMebibytesAtMost },
      throughput: `${refusals} refused`,
    },
  ];
}

const crowdPhotos = 16;

/** Above 1920 a rendition does not share its decode. */
const crowdWidths = [64, 128, 256, 384, 512, 640, 768, 1024, 1280, 1600, 1920, 2560, 3840] as const;

/** 200, or 503 for those that should ask again; anything else is a fault. */
async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.arrayBuffer();
  if (answer.status === 200 || (answer.status === 503 && answer.headers.has('retry-after'))) return answer.status;
  throw new Error(`${url} was answered ${answer.status}`);
}
