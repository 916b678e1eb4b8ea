import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { graphqlUpload, linksTo, uploadedIds } from './doors.ts';
import type { Finding } from './findings.ts';
import { send } from './load.ts';
import { costOf, median } from './measure.ts';
import { photo } from './samples.ts';
import type { Stage, StagedServer, Suite } from './stage.ts';

/** What a rendition in a bucket costs our server, by each way of `DELIVERY`. The bucket is the tests' emulator, in the bench's own process. */
export const delivery: Suite = async (stage) => {
  const folder = await mkdtemp(join(tmpdir(), 'mediakeep-bench-key-'));
  const emulator = await startGcsEmulator({ buckets: [{ name: 'bench' }] });
  try {
    const keyFile = join(folder, 'key.json');
    await writeFile(keyFile, JSON.stringify(emulator.serviceAccount), { mode: 0o600 });
    const environment = {
      GOOGLE_APPLICATION_CREDENTIALS: keyFile,
      STORAGE_DRIVER: 'gcs',
      GCS_BUCKET: 'bench',
      GCS_PROJECT_ID: 'test-project',
      GCS_API_ENDPOINT: emulator.url,
    };
    return await compare(stage, environment);
  } finally {
    await emulator.close();
    await rm(folder, { recursive: true });
  }
};

const ways = ['redirect', 'proxy'] as const;
/** The first is small enough to be answered from memory, the second is streamed. */
const widths = [384, 1920] as const;
const atOnce = 4;

async function compare(stage: Stage, environment: Readonly<Record<string, string>>): Promise<Finding[]> {
  const sample = await photo({ width: 2400, height: 1600, aboutBytes: 1_500_000 });
  const servers = await Promise.all(ways.map((DELIVERY) => stage.startOurs({ ...environment, DELIVERY })));
  const cases: { what: string; how: string; server: StagedServer; url: string; rounds: number[] }[] = [];
  for (const [index, server] of servers.entries()) {
    const [id = ''] = uploadedIds(await send(graphqlUpload(server, 'image', sample)), sample);
    for (const url of await linksTo(server, id, widths)) {
      const what = `rendition of ${Math.round((await made(url)) / 1000)} KB in a bucket`;
      cases.push({ what, how: ways[index] ?? '', server, url, rounds: [] });
    }
  }
  const times = stage.isQuick ? 300 : 1000;
  // The first round is for the compilers.
  for (let round = 0; round <= (stage.isQuick ? 3 : 5); round += 1) {
    for (const each of cases) {
      const { cpuSeconds } = await costOf(each.server.pid, () => fetchAgain(each.url, times));
      if (round > 0) each.rounds.push((cpuSeconds * 1000) / times);
    }
  }
  for (const server of servers) await server.stop();
  return cases.map(({ what, how, rounds }) => ({ what, how, unit: 'ms', measured: median(rounds), rounds }));
}

/** Waits until a rendition is in the bucket; answers its size in bytes. */
async function made(url: string): Promise<number> {
  const bytes = await (await fetch(url)).arrayBuffer();
  // A server answers from memory until it is there.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return bytes.byteLength;
}

/** Without following redirects: what comes after one is no work of ours. */
async function fetchAgain(url: string, times: number): Promise<void> {
  let left = times;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await fetch(url, { redirect: 'manual' });
      await answer.arrayBuffer();
      if (answer.status !== 200 && answer.status !== 302) throw new Error(`${url} was answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
