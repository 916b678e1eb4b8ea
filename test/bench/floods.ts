import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { limitRate } from '../../src/http/rate-limit.ts';
import {
  beginUpload,
  type RawUpload,
  graphqlUpload as rawGraphqlUpload,
  restUpload as rawRestUpload,
} from '../support/cut-off.ts';
import { deleteFromOurs, restUpload, uploadedIds } from './doors.ts';
import type { Finding } from './findings.ts';
import { type Call, send } from './load.ts';
import { costOf, median, openFilesOf, settledBytesOf } from './measure.ts';
import { photo, type Sample, video } from './samples.ts';
import { seedOurs } from './seed.ts';
import { benchUser, type Stage, type StagedServer, type Suite } from './stage.ts';

/** What others feel of a hundred slow clients, what thousands of broken-off uploads leave behind, and what counting requests costs. */
export const floods: Suite = async (stage) => [
  ...(await slowClients(stage)),
  ...(await brokenOff(stage)),
  ...(await counting(stage)),
];

/** One user stands for all. */
const noBounds = { MAX_UPLOADS_PER_USER: '1000', MAX_UPLOADS_PER_PROCESS: '1000' };
const slowCount = 100;
const slowBytesPerSecond = 8 * 1024;
const p50AtMost = 3;
const brokenOffCount = 2000;
const growthMebibytesAtMost = 30;
const countingAtMost = 0.02;
const mebibyte = 1024 ** 2;

async function slowClients(stage: Stage): Promise<Finding[]> {
  const ours = await stage.startOurs(noBounds);
  const sample = await photo({ width: 1024, height: 768, aboutBytes: 100_000 });
  const times = stage.isQuick ? 100 : 400;
  await latencies(ours, sample, 200);
  const alone = await latencies(ours, sample, times);
  const stop = await startSlowClients(ours);
  // Until all of them are in the middle of their upload.
  await sleep(3000);
  const beside = await latencies(ours, sample, times);
  await stop();
  await ours.stop();
  const against = { name: 'alone', measured: median(alone) };
  return [
    {
      what: `photo 100 KB beside ${slowCount} slow uploads`,
      how: 'rest, p50 by the clock',
      unit: 'ms',
      measured: median(beside),
      rounds: [],
      against,
      limit: { of: 'ratio', atMost: p50AtMost },
    },
  ];
}

/** How long each of `times` uploads took, in milliseconds, two at a time. */
async function latencies(ours: StagedServer, sample: Sample, times: number): Promise<number[]> {
  const call = restUpload(ours, 'image', sample);
  const all: number[] = [];
  const answers: string[] = [];
  const work = async (): Promise<void> => {
    while (all.length < times) {
      const begun = performance.now();
      answers.push(...(await send(call)));
      all.push(performance.now() - begun);
    }
  };
  await Promise.all([work(), work()]);
  await deleteFromOurs(ours, uploadedIds(answers, sample));
  return all;
}

/** Begins uploads of videos that come in at {@link slowBytesPerSecond} each, and goes on until it is stopped. Every one of them must still be there then. */
async function startSlowClients(ours: StagedServer): Promise<() => Promise<void>> {
  const bytes = Buffer.concat([...(await video(4 * mebibyte)).chunks()]);
  const uploads = [rawRestUpload('video', tokenOf(ours)), rawGraphqlUpload('video', tokenOf(ours))];
  const sockets = await Promise.all(
    Array.from({ length: slowCount }, (_, index) => beginUpload(ours, uploads[index % 2] as RawUpload, bytes.length)),
  );
  let offset = 0;
  const stepsPerSecond = 4;
  const timer = setInterval(() => {
    const end = offset + slowBytesPerSecond / stepsPerSecond;
    for (const socket of sockets) socket.write(bytes.subarray(offset, end));
    offset = end;
  }, 1000 / stepsPerSecond);
  return async () => {
    clearInterval(timer);
    const lost = sockets.filter((socket) => socket.closed || socket.bytesRead > 0).length;
    for (const socket of sockets) socket.destroy();
    if (lost > 0) throw new Error(`${lost} slow clients were cut off`);
  };
}

async function brokenOff(stage: Stage): Promise<Finding[]> {
  const ours = await stage.startOurs(noBounds);
  const samples = [await photo({ width: 1024, height: 768, aboutBytes: 100_000 }), await video(mebibyte)] as const;
  for (const [index, kind] of (['image', 'video'] as const).entries()) {
    const sample = samples[index] as Sample;
    await deleteFromOurs(ours, uploadedIds(await send(restUpload(ours, kind, sample), { times: 100, atOnce: 4 }), sample));
  }
  await breakOff(ours, samples, 200);
  const [bytesBefore, filesBefore] = [await settledBytesOf(ours.pid), openFilesOf(ours.pid)];
  await breakOff(ours, samples, brokenOffCount);
  const [bytesAfter, filesAfter] = [await settledBytesOf(ours.pid), openFilesOf(ours.pid)];
  await ours.stop();
  const common = { what: `${brokenOffCount} uploads broken off`, rounds: [] };
  const growth = (bytesAfter - bytesBefore) / mebibyte;
  return [
    {
      ...common,
      how: 'both doors, memory',
      unit: 'MiB',
      measured: growth,
      limit: { of: 'measured', atMost: growthMebibytesAtMost },
    },
    // The pool of the database opens and closes connections as it likes: at most ten.
    {
      ...common,
      how: 'both doors, open files',
      unit: 'files',
      measured: filesAfter - filesBefore,
      limit: { of: 'measured', atMost: 0 },
    },
  ];
}

/** Uploads of both kinds over both doors that leave at points all over the file, some of them after a moment of silence, twenty at a time. */
async function breakOff(ours: StagedServer, samples: readonly [Sample, Sample], count: number): Promise<void> {
  const files = samples.map((sample) => Buffer.concat([...sample.chunks()]));
  const token = tokenOf(ours);
  const ways = (['image', 'video'] as const).flatMap((kind, index) =>
    [rawRestUpload, rawGraphqlUpload].map((way) => ({ upload: way(kind, token), bytes: files[index] ?? Buffer.alloc(0) })),
  );
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const way = ways[index % ways.length];
      if (way !== undefined) await breakOffOne(ours, way, index);
    }
  };
  await Promise.all(Array.from({ length: 20 }, work));
  // Connections to the database that nobody needs are closed after ten seconds.
  await sleep(12_000);
}

async function breakOffOne(
  ours: StagedServer,
  { upload, bytes }: { upload: RawUpload; bytes: Buffer },
  index: number,
): Promise<void> {
  const socket = await beginUpload(ours, upload, bytes.length);
  socket.on('error', () => undefined);
  const upTo = Math.floor((bytes.length * (index % 37)) / 37);
  if (upTo > 0) await new Promise((resolve) => socket.write(bytes.subarray(0, upTo), resolve));
  if (index % 3 === 0) await sleep(20);
  socket.destroy();
}

/** The CPU of counting one request in memory, against that of the request for a list. */
async function counting(stage: Stage): Promise<Finding[]> {
  const ours = await stage.startOurs();
  await seedOurs(ours.databaseUrl, 1000);
  const call: Call = { method: 'GET', url: `${ours.url}/api/v1/media/?first=20`, headers: ours.headers };
  await send(call, { times: 1000, atOnce: 4 });
  const times = stage.isQuick ? 1000 : 4000;
  const { cpuSeconds } = await costOf(ours.pid, () => send(call, { times, atOnce: 4 }));
  await ours.stop();
  const measured = await costOfCounting(200_000);
  return [
    {
      what: 'count a request',
      how: 'in memory',
      unit: 'ms',
      measured,
      rounds: [],
      against: { name: 'list of 20', measured: (cpuSeconds * 1000) / times },
      limit: { of: 'ratio', atMost: countingAtMost },
    },
  ];
}

/** In this process, in milliseconds: the hook alone, with a token that is known. */
async function costOfCounting(times: number): Promise<number> {
  const count = limitRate(times * 10, { authenticate: async () => benchUser });
  // All that the hook looks at.
  const request = { routeOptions: {}, headers: { authorization: 'Bearer x' }, ip: '127.0.0.1' } as unknown as FastifyRequest;
  const run = async (): Promise<void> => {
    for (let round = 0; round < times; round += 1) await count(request);
  };
  await run();
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

function tokenOf(ours: StagedServer): string {
  return ours.headers.authorization?.replace('Bearer ', '') ?? '';
}
