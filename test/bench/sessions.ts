import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCountingProxy } from './counting-proxy.ts';
import { deleteFromOurs, graphqlUpload, uploadedIds } from './doors.ts';
import type { Finding } from './findings.ts';
import { send } from './load.ts';
import { costOf, cpuSecondsOf, memoryRiseOf } from './measure.ts';
import { numberedVideo, photo, type Sample, video, writeSparse } from './samples.ts';
import { chromiumSender, nodeSender, type Sender, type Uploaded } from './senders.ts';
import type { OurServer, Stage, StagedServer, Suite } from './stage.ts';

/** A video of 2 GiB by session, from the SDK in Node and in Chromium: what it does to the server, and what it costs to kill that in the middle. */
export const sessions: Suite = async (stage) => {
  const folder = await mkdtemp(join(tmpdir(), 'mediakeep-bench-files-'));
  const senders = [nodeSender(), await chromiumSender()];
  try {
    const files = await filesIn(folder, stage);
    const findings: Finding[] = [];
    for (const sender of senders)
      findings.push(...(await undisturbed(stage, sender, files)), ...(await killed(stage, sender, files)));
    return findings;
  } finally {
    for (const sender of senders) await sender.close();
    await rm(folder, { recursive: true, force: true });
  }
};

const mebibyte = 1024 ** 2;
const growthMebibytesAtMost = 40;
/** Of the CPU for the same bytes in one form: they are read once more, for SHA-256, and come in many requests. 1.4 to 1.7 were measured, on a busy machine. */
const sessionAtMost = 1.8;
/** What the server tells clients to send at a time. */
const chunkMebibytes = 8;
const killedAt = 0.6;

/** A sample that lies on the disk. */
interface FileSample {
  readonly sample: Sample;
  readonly path: string;
}

interface Files {
  readonly photo: Sample;
  readonly little: FileSample;
  readonly large: FileSample;
}

async function filesIn(folder: string, { isQuick }: Stage): Promise<Files> {
  const written = async (name: string, sample: Sample): Promise<FileSample> => {
    const path = join(folder, name);
    await writeSparse(path, sample);
    return { sample, path };
  };
  return {
    photo: await photo({ width: 1024, height: 768, aboutBytes: 100_000 }),
    little: await written('little.mp4', await video(mebibyte)),
    large: await written('large.mp4', await numberedVideo((isQuick ? 256 : 2048) * mebibyte)),
  };
}

/** On a fresh server, that has taken a photo and a little video. */
async function undisturbed(stage: Stage, sender: Sender, files: Files): Promise<Finding[]> {
  const ours = await stage.startOurs(settings(sender));
  const { sample, path } = files.large;
  await deleteFromOurs(ours, uploadedIds(await send(graphqlUpload(ours, 'image', files.photo)), files.photo));
  await deleteFromOurs(
    ours,
    idsOf(await sender.upload(files.little.path, addressOf(ours), () => undefined), files.little.sample),
  );
  const ends = { sent: { cpuSeconds: 0, atMs: 0 }, cpuSeconds: 0, atMs: 0 };
  let wallSeconds = 0;
  const { baselineBytes, peakBytes } = await memoryRiseOf(ours.pid, async () => {
    const begun = { cpuSeconds: cpuSecondsOf(ours.pid), atMs: performance.now() };
    const asset = await sender.upload(path, addressOf(ours), ({ phase }) => {
      if (phase === 'finishing') ends.sent = { cpuSeconds: cpuSecondsOf(ours.pid), atMs: performance.now() };
    });
    ends.cpuSeconds = cpuSecondsOf(ours.pid) - begun.cpuSeconds;
    ends.atMs = performance.now();
    wallSeconds = (ends.atMs - begun.atMs) / 1000;
    ends.sent.cpuSeconds -= begun.cpuSeconds;
    await deleteFromOurs(ours, idsOf(asset, sample));
  });
  const form = await costOf(ours.pid, async () => {
    await deleteFromOurs(ours, uploadedIds(await send(graphqlUpload(ours, 'video', sample)), sample));
  });
  await ours.stop();
  const gibibytes = sample.sizeBytes / 1024 ** 3;
  const what = `video ${gibibytes} GiB, ${sender.name}`;
  const completing = ends.cpuSeconds - ends.sent.cpuSeconds;
  return [
    {
      what,
      how: 'session, memory',
      unit: 'MiB',
      measured: (peakBytes - baselineBytes) / mebibyte,
      rounds: [],
      limit: { of: 'measured', atMost: growthMebibytesAtMost },
    },
    {
      what,
      how: 'session, CPU of a GiB',
      unit: 's',
      measured: ends.cpuSeconds / gibibytes,
      rounds: [],
      against: { name: 'graphql', measured: form.cpuSeconds / gibibytes },
      limit: { of: 'ratio', atMost: sessionAtMost },
      throughput: `${Math.round(sample.sizeBytes / 1e6 / wallSeconds)} MB/s, form ${Math.round(sample.sizeBytes / 1e6 / form.wallSeconds)} MB/s`,
    },
    { what, how: 'completing, CPU', unit: 's', measured: completing, rounds: [] },
    { what, how: 'completing, by the clock', unit: 's', measured: (ends.atMs - ends.sent.atMs) / 1000, rounds: [] },
  ];
}

/** The server process dies at 60 % by SIGKILL, and another starts on what it left. */
async function killed(stage: Stage, sender: Sender, files: Files): Promise<Finding[]> {
  const proxy = await openCountingProxy();
  try {
    const ours = await stage.startOurs({ ...settings(sender), PUBLIC_URL: proxy.url });
    proxy.standBefore(ours);
    const { sample, path } = files.large;
    let next: Promise<OurServer> | undefined;
    const address = { ...addressOf(ours), url: proxy.url };
    const asset = await sender.upload(path, address, ({ sentBytes }) => {
      if (sentBytes >= killedAt * sample.sizeBytes) next ??= ours.kill().then(() => ours.startAgain());
    });
    const again = await next;
    if (again === undefined) throw new Error('Nobody was killed');
    const ids = idsOf(asset, sample);
    const twice = (proxy.putBytes() - sample.sizeBytes) / mebibyte;
    const folders = ['sessions', 'tmp'].map((name) => readdir(join(ours.filesDir, 'objects', name)));
    const left = (await Promise.all(folders)).flat().length;
    await deleteFromOurs(again, ids);
    await again.stop();
    const what = `killed at ${killedAt * 100} %, ${sender.name}`;
    return [
      { what, how: 'sent twice', unit: 'MiB', measured: twice, rounds: [], limit: { of: 'measured', atMost: chunkMebibytes } },
      { what, how: 'left of the session', unit: 'files', measured: left, rounds: [], limit: { of: 'measured', atMost: 0 } },
    ];
  } finally {
    proxy.close();
  }
}

function settings({ origin }: Sender): Record<string, string> {
  return origin === undefined ? {} : { CORS_ORIGINS: origin };
}

function addressOf({ url, headers }: StagedServer): { url: string; token: string } {
  return { url, token: headers.authorization?.replace('Bearer ', '') ?? '' };
}

/** Throws unless every byte is where it should be. */
function idsOf(asset: Uploaded, { sha256 }: Sample): string[] {
  if (asset.sha256 !== sha256) throw new Error(`The upload was not kept whole: ${JSON.stringify(asset)}`);
  return [asset.id];
}
