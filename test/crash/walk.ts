import type { Door } from '../support/doors.ts';
import { restClient } from '../support/rest-door.ts';
import { tokenOf } from '../support/server.ts';
import { createInstallation, type Installation, sha256Of, usageOf } from './installation.ts';
import type { Operation } from './kill-points.ts';
import { startVictim, type Victim } from './victim-process.ts';

/** A way through the product, from its first row to its last answer. */
export interface Way {
  readonly name: string;
  readonly operation: Operation;
  /** Brings about what the operation is to work on; before the process is told where to die. */
  prepare(scene: Scene): Promise<unknown>;
  /** Sets the operation going. Its answer may never come. */
  begin(scene: Scene): Promise<unknown>;
  /** The statement that decides whether the asset in question is there or gone, whatever dies later; undefined: it was decided before. */
  readonly decidedBy: 'commit' | 'startDeletion' | undefined;
  /** What is decided then. */
  readonly isThereInTheEnd: boolean;
  /** How much time passes between the kill and the sweep. */
  readonly untilSwept: 'hours' | 'day';
}

/** What a way works with. The user is new for each kill. */
export interface Scene {
  readonly installation: Installation;
  readonly user: string;
  readonly door: Door;
  readonly victim: Victim;
}

/** What came of one kill. The four verdicts are on the whole installation, after one sweep of a process that was not killed. */
export interface Kill {
  readonly way: string;
  /** Where the process was killed. */
  readonly at: string;
  /** What there was before the sweep, in words. */
  readonly left: string;
  readonly isThere: boolean;
  /** No row but of visible assets, and the asset in question there or gone as it was promised. */
  readonly rows: boolean;
  /** One object for each row, and nothing else at all. */
  readonly objects: boolean;
  /** Every object, and every link that a user is given, has exactly the bytes of its asset. */
  readonly bytes: boolean;
  /** The totals of every user are the sums of their rows, and nothing is reserved. */
  readonly usage: boolean;
}

/** Goes the way again and again, killed one step later each time, until it comes to its end. */
export async function walk(driver: 'disk' | 'bucket', way: Way): Promise<Kill[]> {
  const installation = await createInstallation(driver);
  const environment = {
    ...installation.environment,
    // Once, when a process starts, and when it is told to.
    SWEEP_INTERVAL_SECONDS: '86400',
    USER_QUOTA_BYTES: '1000000000',
    // Over by the time that the sweep comes.
    UPLOAD_SESSION_SECONDS: '60',
  };
  let victim: Victim | undefined;
  try {
    const kills: Kill[] = [];
    let judgeLast: (url: string) => Promise<Kill> | undefined = () => undefined;
    for (let point = 1; ; point += 1) {
      victim = await startVictim(environment);
      const judged = await judgeLast(victim.url);
      if (judged !== undefined) kills.push(judged);
      const user = `user-${point}`;
      const scene = { installation, user, victim, door: restClient(victim, await tokenOf(user)) };
      await way.prepare(scene);
      await victim.sentence({ operation: way.operation, point });
      const fate = victim.fate();
      const ending = way.begin(scene).catch(() => undefined);
      const at = await fate;
      await ending;
      await victim.kill();
      if (at === undefined) return kills;
      const left = await describeLeft(installation, user);
      await installation.age(way.untilSwept);
      judgeLast = async (url) => ({
        way: way.name,
        at,
        left,
        ...(await judge(installation, { way, at, user, url, before: kills })),
      });
    }
  } finally {
    await victim?.kill();
    await installation.remove();
  }
}

/** What there is of the user's asset and of nobody's, when that is not simply an asset with its original. */
async function describeLeft(installation: Installation, user: string): Promise<string> {
  const rows = new Map((await installation.rows()).map((row) => [row.id, row]));
  const { objects, debris } = await installation.stored();
  const states = [...rows.values()].filter(({ status }) => status !== 'READY').map(({ status }) => status.toLowerCase());
  const surplus = [...objects.keys()].flatMap((key) => {
    const [id = '', name = ''] = key.split('/');
    const row = rows.get(id);
    if (row === undefined) return ['orphan'];
    if (row.user_id !== user || (row.status === 'READY' && name === 'original')) return [];
    return [name === 'original' ? name : 'rendition'];
  });
  return [...states, ...surplus, ...debris.map(nameOfDebris)].sort().join(', ') || 'nothing';
}

function nameOfDebris(path: string): string {
  if (path.startsWith('sessions/')) return 'session';
  if (path.startsWith('tmp/gone~')) return 'grave';
  return path.startsWith('tmp/') ? 'draft' : 'empty folder';
}

interface Case {
  readonly way: Way;
  readonly at: string;
  readonly user: string;
  /** Of the process that has swept. */
  readonly url: string;
  readonly before: readonly Kill[];
}

type Verdict = Pick<Kill, 'isThere' | 'rows' | 'objects' | 'bytes' | 'usage'>;

async function judge(installation: Installation, { way, at, user, url, before }: Case): Promise<Verdict> {
  const [rows, usage, { objects, debris }] = await Promise.all([
    installation.rows(),
    installation.usage(),
    installation.stored(),
  ]);
  const isThere = rows.some((row) => row.user_id === user);
  const promised = promiseOf(way, at, before);
  const users = usage.map(({ user_id }) => user_id);
  return {
    isThere,
    rows: rows.every(({ status }) => status === 'READY') && (promised === undefined || promised === isThere),
    objects:
      debris.length === 0 &&
      sameMembers(
        [...objects.keys()].filter((key) => key.endsWith('/original')),
        rows.map(({ id }) => `${id}/original`),
      ) &&
      // Renditions, which are made again when they are missing, may be there or not; but only beside their original.
      [...objects.keys()].every((key) => rows.some(({ id }) => key.startsWith(`${id}/`))),
    bytes:
      rows.every(({ id, sha256, size_bytes }) => {
        const bytes = objects.get(`${id}/original`);
        return bytes?.length === size_bytes && sha256Of(bytes) === sha256;
      }) && (await linksAreWhole(url, user, rows.filter((row) => row.user_id === user).length)),
    usage:
      JSON.stringify(usage) === JSON.stringify(usageOf(rows, users)) && usage.every(({ reserved_bytes }) => reserved_bytes === 0),
  };
}

/** Whether the asset must be there; undefined when the process died while the deciding statement was under way, so that either is right. */
function promiseOf({ decidedBy, isThereInTheEnd }: Way, at: string, before: readonly Kill[]): boolean | undefined {
  if (decidedBy === undefined) return isThereInTheEnd;
  if (at === `row: ${decidedBy}: no answer yet`) return undefined;
  const answered = `row: ${decidedBy}: answered`;
  return at === answered || before.some((kill) => kill.at === answered) ? isThereInTheEnd : !isThereInTheEnd;
}

/** What a client finds: as many assets as there are rows, each with the bytes that it says it has. */
async function linksAreWhole(url: string, user: string, count: number): Promise<boolean> {
  const { items, totalCount } = await restClient({ url }, await tokenOf(user)).list();
  const whole = await Promise.all(
    items.map(async (asset) => {
      const bytes = new Uint8Array(await (await fetch(asset.url)).arrayBuffer());
      return bytes.length === asset.size && sha256Of(bytes) === asset.sha256;
    }),
  );
  return items.length === count && totalCount === count && whole.every(Boolean);
}

function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());
}
