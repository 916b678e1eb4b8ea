import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileSources } from '../support/compile.ts';
import { overRest } from '../support/direct-door.ts';
import { acceptedImages, acceptedVideos } from '../support/media.ts';
import { type Run, run } from '../support/process.ts';
import { restClient } from '../support/rest-door.ts';
import { exchange } from './exchange.ts';
import { type Health, healthOf } from './health.ts';
import { complaintAbout } from './judge.ts';
import { fuzzParsers } from './parsers.ts';
import { Random } from './random.ts';
import { cases, type Material } from './requests.ts';

/*
 * Sends a running server, for FUZZ_SECONDS (60), what no client should: damaged files, forms, heads, links and queries over both doors. Fails
 * when it answers anything but the contract's codes, hangs, dies, grows, or keeps what it did not accept. FUZZ_SEED repeats a run.
 */

const seconds = Number(process.env.FUZZ_SECONDS ?? 60);
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000);

/** Cases at a time. */
const atOnce = 6;
/** Most that resident memory may be above its warm state, in bytes: codecs and allocators keep arenas, whose number is bounded. */
const mostGrowthBytes = 96 * 1024 ** 2;
const mostComplaints = 20;

const complaints: string[] = [];
const counts = new Map<string, number>();
const statuses = new Map<string, number>();
/** The ids of every upload that was acknowledged. */
const taken = new Set<string>();
/** Direct uploads that are not complete. */
const pending: string[] = [];

process.stdout.write(`Fuzzing for ${seconds} s with FUZZ_SEED=${seed}\n`);
const dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-fuzz-'));
compileSources();
const server = run('main', { PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'error', RATE_LIMIT_PER_MINUTE: '0' });
try {
  await fuzz(server);
} finally {
  server.child.kill('SIGTERM');
  await server.ended;
  await rm(dataDir, { recursive: true, force: true });
}
report();
process.exit(complaints.length === 0 ? 0 : 1);

async function fuzz(running: Run): Promise<void> {
  const url = await running.printed(/ready at (http:\S+)/);
  const token = await running.printed(/^(eyJ\S+)$/m);
  const parserSeconds = seconds / 6;
  const tries = await fuzzParsers({ seed, seconds: parserSeconds }).catch((error: Error) => void complain(error.message));
  counts.set('parsers', tries ?? 0);
  const material = await materialOf(url, token);
  const pid = running.child.pid ?? 0;
  const warmSeconds = (seconds - parserSeconds) / 3;
  await sendCases(url, material, { from: 0, seconds: warmSeconds });
  const warm = await healthOf(pid);
  await sendCases(url, material, { from: 10_000_000, seconds: seconds - parserSeconds - warmSeconds });
  await judgeTheEnd(running, url, { warm, pid, material });
}

async function materialOf(url: string, token: string): Promise<Material> {
  const [images, videos] = [await acceptedImages(), await acceptedVideos()];
  const door = restClient({ url }, token);
  for (const file of [...images, ...videos]) {
    taken.add((await door.upload({ kind: file.kind, name: file.name, bytes: file.bytes })).id);
  }
  const { items, nextCursor } = await door.list({ first: 1 });
  const [asset] = items;
  if (asset === undefined || nextCursor === null) throw new Error('There is nothing to work with');
  const announcement = { kind: 'VIDEO' as const, filename: 'fuzz.mp4', mimeType: 'video/mp4', size: 1_000_000_000 };
  const upload = await overRest({ url }, token).create(announcement);
  pending.push(upload.id);
  const session = new URL(upload.url);
  return {
    token,
    link: new URL(asset.url),
    id: asset.id,
    cursor: nextCursor,
    session,
    sessionBytes: announcement.size,
    images,
    videos,
  };
}

async function sendCases(url: string, material: Material, span: { from: number; seconds: number }): Promise<void> {
  const end = Date.now() + span.seconds * 1000;
  const { port } = new URL(url);
  let index = span.from;
  const work = async (): Promise<void> => {
    while (Date.now() < end && complaints.length < mostComplaints) await sendCase(Number(port), material, index++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function sendCase(port: number, material: Material, index: number): Promise<void> {
  const random = new Random(seed ^ Math.imul(index + 1, 0x9e37_79b1));
  const { name, make } = random.pick(cases.flatMap((each) => Array<typeof each>(each.share).fill(each)));
  const request = make(material, random);
  try {
    const outcome = await exchange(port, request, random);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const told = `${name}: ${outcome.status ?? 'no answer'}`;
    statuses.set(told, (statuses.get(told) ?? 0) + 1);
    const id =
      outcome.status === 201 || outcome.body.startsWith('{"data":{"upload')
        ? /"id":"([^"]+)"/.exec(outcome.body)?.[1]
        : undefined;
    if (id !== undefined) taken.add(id);
    const complaint = complaintAbout(outcome, request);
    if (complaint === undefined) return;
    complain(`${name} #${index}: ${complaint}`);
  } catch (error) {
    complain(`${name} #${index}: ${error instanceof Error ? error.message : error}`);
  }
  mkdirSync('.artifacts', { recursive: true });
  writeFileSync(`.artifacts/fuzz-${seed}-${index}.bin`, Buffer.concat([Buffer.from(request.head, 'latin1'), request.body]));
}

/** The server lives, is as it was when it was warm, has logged no fault of its own, and every asset it lists has a file of its own and no other. */
async function judgeTheEnd(
  running: Run,
  url: string,
  { warm, pid, material }: { warm: Health; pid: number; material: Material },
): Promise<void> {
  if (running.child.exitCode !== null || running.child.signalCode !== null)
    return complain(`The server died:\n${running.output().slice(-2000)}`);
  await sleep(2000);
  for (const path of ['/healthz', '/readyz']) {
    const { status } = await fetch(`${url}${path}`);
    if (status !== 200) complain(`${path} answers ${status}`);
  }
  const faults = running
    .output()
    .split('\n')
    .filter((line) => /"level":(50|60)/.test(line));
  if (faults.length > 0) complain(`${faults.length} faults in the log, such as ${faults[0]?.slice(0, 1500)}`);
  const health = await healthOf(pid);
  if (health.residentBytes - warm.residentBytes > mostGrowthBytes)
    complain(`Memory grew from ${inMiB(warm)} to ${inMiB(health)}`);
  if (health.openFiles > warm.openFiles + 2) complain(`Open files grew from ${warm.openFiles} to ${health.openFiles}`);
  process.stdout.write(
    `Resident memory ${inMiB(warm)} warm, ${inMiB(health)} at the end; open files ${warm.openFiles}, ${health.openFiles}\n`,
  );
  for (const id of pending) await removeIfThere(url, material.token, id);
  const listed = await listAll(url, material.token);
  const entries = await readdir(join(dataDir, 'objects'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).length;
  if (files !== listed.size) complain(`${listed.size} assets, but ${files} files`);
  const lost = [...taken].filter((id) => !listed.has(id) && id !== material.id);
  if (lost.length > 0) complain(`${lost.length} uploads were acknowledged and are not listed: ${lost.slice(0, 3).join(', ')}`);
  process.stdout.write(`${taken.size} uploads were acknowledged, ${listed.size} assets are listed, ${files} files are there\n`);
}

/** A damaged link may still be a good one, with something behind it, and its DELETE ends the session. */
async function removeIfThere(url: string, token: string, id: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/media/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  await answer.text();
  if (![204, 404].includes(answer.status)) complain(`The pending upload ${id} was removed with ${answer.status}`);
}

async function listAll(url: string, token: string): Promise<Set<string>> {
  const door = restClient({ url }, token);
  const ids = new Set<string>();
  for (let after: string | null | undefined; after !== null; ) {
    const page = await door.list({ first: 100, ...(after !== undefined && { after }) });
    for (const { id } of page.items) ids.add(id);
    after = page.nextCursor;
  }
  return ids;
}

function inMiB({ residentBytes }: Health): string {
  return `${Math.round(residentBytes / 1024 ** 2)} MiB`;
}

function complain(text: string): void {
  complaints.push(text);
  process.stderr.write(`FAIL ${text}\n`);
}

function report(): void {
  const lines = [...statuses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([told, count]) => `  ${told.padEnd(30)} ${count}`);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  process.stdout.write(`${lines.join('\n')}\n${counts.get('parsers') ?? 0} tries of parsers, ${all} cases in all\n`);
  process.stdout.write(
    complaints.length === 0 ? 'No complaints.\n' : `${complaints.length} complaints; FUZZ_SEED=${seed} repeats them.\n`,
  );
}
