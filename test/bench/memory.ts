import { deleteFromOurs, graphqlUpload, uploadedIds } from './doors.ts';
import type { Finding } from './findings.ts';
import { send } from './load.ts';
import { type MemoryRise, median, memoryRiseOf } from './measure.ts';
import { photo, type Sample, video } from './samples.ts';
import type { Stage, StagedServer, Suite } from './stage.ts';

/** What videos of 1 GiB do to the memory of our server: one, and several at the same time. */
export const memory: Suite = async (stage) => {
  const samples = await samplesOf();
  const rounds: { one: MemoryRise; several: MemoryRise }[] = [];
  for (let round = 0; round < (stage.isQuick ? 1 : 3); round += 1) rounds.push(await watch(stage, samples));
  const growth = rounds.map(({ one }) => (one.peakBytes - one.baselineBytes) / mebibyte);
  const further = rounds.map(({ one, several }) => (several.peakBytes - one.peakBytes) / (severalVideos - 1) / mebibyte);
  return [
    { ...megabytes('video 1 GiB, growth', growth), limit: { of: 'measured', atMost: 80 } },
    { ...megabytes('each further video', further), limit: { of: 'measured', atMost: 4 } },
  ];
};

const mebibyte = 1024 ** 2;
const severalVideos = 4;

interface Samples {
  readonly photo: Sample;
  readonly littleVideo: Sample;
  readonly video: Sample;
}

async function samplesOf(): Promise<Samples> {
  return {
    photo: await photo({ width: 1024, height: 768, aboutBytes: 100_000 }),
    littleVideo: await video(mebibyte),
    video: await video(1024 * mebibyte),
  };
}

/** On a fresh server each time: what an earlier upload left resident would hide the growth of a later one. */
async function watch(stage: Stage, samples: Samples): Promise<{ one: MemoryRise; several: MemoryRise }> {
  const ours = await stage.startOurs();
  await upload(ours, 'image', samples.photo, 1);
  await upload(ours, 'video', samples.littleVideo, 1);
  const one = await memoryRiseOf(ours.pid, () => upload(ours, 'video', samples.video, 1));
  const several = await memoryRiseOf(ours.pid, () => upload(ours, 'video', samples.video, severalVideos));
  await ours.stop();
  return { one, several };
}

async function upload(ours: StagedServer, kind: 'image' | 'video', sample: Sample, atOnce: number): Promise<void> {
  const answers = await send(graphqlUpload(ours, kind, sample), { times: atOnce, atOnce });
  await deleteFromOurs(ours, uploadedIds(answers, sample));
}

function megabytes(what: string, rounds: readonly number[]): Finding {
  return { what, how: 'graphql, memory', unit: 'MiB', measured: median(rounds), rounds };
}
