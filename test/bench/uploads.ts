import { deleteFromFloor, deleteFromOurs, graphqlUpload, restUpload, uploadedIds } from './doors.ts';
import type { Finding } from './findings.ts';
import { type Call, send } from './load.ts';
import { type Cost, costOf, median } from './measure.ts';
import { photo, type Sample, video } from './samples.ts';
import type { Stage, StagedServer, Suite } from './stage.ts';

/** Uploads of photos and a video through both doors, each against the floor. */
export const uploads: Suite = async (stage) => {
  const floor = await stage.startFloor();
  const ours = await stage.startOurs();
  const findings: Finding[] = [];
  for (const upload of uploadCases(stage)) findings.push(...(await compare(upload, { floor, ours })));
  await floor.stop();
  await ours.stop();
  return findings;
};

/** One file, sent many times. */
interface UploadCase {
  readonly what: string;
  readonly kind: 'image' | 'video';
  readonly sample: () => Promise<Sample>;
  readonly unit: 'ms' | 's';
  /** Our CPU to the floor's. */
  readonly atMost: number;
  /** REST's CPU to GraphQL's. */
  readonly restAtMost: number;
  readonly rounds: number;
  /** Uploads of a round, and how many of them at a time. */
  readonly times: number;
  readonly atOnce: number;
  /** Uploads before the first round, for the compilers. */
  readonly warmUps: number;
  /** Whether each round's files are deleted before the next, because the disk would not hold all of them. Otherwise see {@link compare}. */
  readonly tidiesEachRound: boolean;
}

interface Servers {
  readonly floor: StagedServer;
  readonly ours: StagedServer;
}

/** Half a millisecond of GraphQL cannot be seen beside so many bytes: there REST may not be dearer by more than the noise. */
const tieOfBytes = 1.05;

function uploadCases({ isQuick }: Stage): UploadCase[] {
  return [
    {
      what: 'photo 100 KB',
      kind: 'image',
      sample: () => photo({ width: 1024, height: 768, aboutBytes: 100_000 }),
      unit: 'ms',
      atMost: 1.5,
      restAtMost: 1,
      rounds: isQuick ? 3 : 7,
      times: isQuick ? 150 : 300,
      atOnce: 4,
      warmUps: 300,
      tidiesEachRound: false,
    },
    {
      what: 'photo 5 MB, 24 MP',
      kind: 'image',
      sample: () => photo({ width: 6000, height: 4000, aboutBytes: 5_000_000 }),
      unit: 'ms',
      atMost: 1.2,
      restAtMost: tieOfBytes,
      rounds: isQuick ? 3 : 5,
      times: isQuick ? 15 : 30,
      atOnce: 2,
      warmUps: 10,
      tidiesEachRound: true,
    },
    {
      what: 'video 1 GiB',
      kind: 'video',
      sample: () => video(1024 ** 3),
      unit: 's',
      atMost: 1.2,
      restAtMost: tieOfBytes,
      rounds: isQuick ? 3 : 5,
      times: 1,
      atOnce: 1,
      warmUps: 1,
      tidiesEachRound: true,
    },
  ];
}

/**
 * Small files stay until all rounds are over. An ext4 without a journal steps over each inode that was freed in the last minutes whenever it makes a new one
 * (`recently_deleted` in fs/ext4/ialloc.c): thousands of deletions would be paid for by the uploads after them, and the more, the more files an upload makes.
 */
async function compare(upload: UploadCase, servers: Servers): Promise<Finding[]> {
  const sample = await upload.sample();
  const ways = waysIn(upload, sample, servers);
  const leftovers: (() => Promise<void>)[] = [];
  const tidy = async (way: Way, answers: readonly string[]): Promise<void> => {
    if (upload.tidiesEachRound) await way.tidy(answers);
    else leftovers.push(() => way.tidy(answers));
  };
  for (const way of ways) await tidy(way, await send(way.call, { times: upload.warmUps, atOnce: upload.atOnce }));
  const costs = ways.map((): Cost[] => []);
  // The ways take turns, there and back, so that whatever else the machine does meets all of them, and none always comes after the same other.
  for (let round = 0; round < upload.rounds; round += 1) {
    const turns = [...ways.entries()];
    for (const [index, way] of round % 2 === 0 ? turns : turns.reverse()) {
      const { cost, answers } = await costOfRound(upload, way);
      costs[index]?.push(cost);
      await tidy(way, answers);
    }
  }
  for (const clear of leftovers) await clear();
  return findingsOf(upload, sample, costs);
}

/** A way for a file into a server. */
interface Way {
  readonly server: StagedServer;
  readonly call: Call;
  /** Checks the answers and deletes what was uploaded, so that the disk does not fill. */
  tidy(answers: readonly string[]): Promise<void>;
}

function waysIn({ kind }: UploadCase, sample: Sample, { floor, ours }: Servers): Way[] {
  const fromFloor = async (answers: readonly string[]): Promise<void> => {
    uploadedIds(answers, sample);
    await deleteFromFloor(floor);
  };
  const fromOurs = async (answers: readonly string[]): Promise<void> => deleteFromOurs(ours, uploadedIds(answers, sample));
  return [
    { server: floor, call: graphqlUpload(floor, kind, sample), tidy: fromFloor },
    { server: ours, call: graphqlUpload(ours, kind, sample), tidy: fromOurs },
    { server: ours, call: restUpload(ours, kind, sample), tidy: fromOurs },
  ];
}

async function costOfRound({ times, atOnce }: UploadCase, { server, call }: Way): Promise<{ cost: Cost; answers: string[] }> {
  let answers: string[] = [];
  const cost = await costOf(server.pid, async () => {
    answers = await send(call, { times, atOnce });
  });
  return { cost, answers };
}

function findingsOf(upload: UploadCase, sample: Sample, costs: readonly Cost[][]): Finding[] {
  const scale = upload.unit === 'ms' ? 1000 : 1;
  const [floor, graphql, rest] = costs.map((rounds) => {
    const each = rounds.map(({ cpuSeconds }) => (cpuSeconds * scale) / upload.times);
    const wallSeconds = median(rounds.map((cost) => cost.wallSeconds)) / upload.times;
    return { measured: median(each), rounds: each, throughput: throughputOf(sample, wallSeconds) };
  });
  if (floor === undefined || graphql === undefined || rest === undefined) return [];
  const { what, unit, atMost, restAtMost } = upload;
  const against = { name: 'floor', measured: floor.measured };
  return [
    { what, how: 'floor', unit, ...floor },
    { what, how: 'graphql', unit, ...graphql, against, limit: { of: 'ratio', atMost } },
    { what, how: 'rest', unit, ...rest, against, limit: { of: 'ratio', atMost } },
    {
      what,
      how: 'rest',
      unit,
      measured: rest.measured,
      rounds: rest.rounds,
      against: { name: 'graphql', measured: graphql.measured },
      limit: { of: 'ratio', atMost: restAtMost },
    },
  ];
}

function throughputOf({ sizeBytes }: Sample, wallSeconds: number): string {
  const megabytes = Math.round(sizeBytes / 1e6 / wallSeconds);
  return wallSeconds < 1 ? `${Math.round(1 / wallSeconds)}/s, ${megabytes} MB/s` : `${megabytes} MB/s`;
}
