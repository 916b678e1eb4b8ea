import { graphqlCall } from './doors.ts';
import type { Finding } from './findings.ts';
import { type Call, send } from './load.ts';
import { type Cost, costOf, median } from './measure.ts';
import { seedFloor, seedOurs } from './seed.ts';
import type { StagedServer, Suite } from './stage.ts';

/** A list of 20 among 100,000 rows, through both doors, each against the floor. */
export const list: Suite = async (stage) => {
  const floor = await stage.startFloor();
  const ours = await stage.startOurs();
  await seedFloor(floor.databaseUrl, rowsInAll);
  await seedOurs(ours.databaseUrl, rowsInAll);
  const ways = waysTo(floor, ours);
  const times = stage.isQuick ? 500 : 2000;
  const costs = ways.map((): Cost[] => []);
  for (const way of ways) await fetchLists(way, warmUps);
  for (let round = 0; round < (stage.isQuick ? 3 : 7); round += 1) {
    for (const [index, way] of ways.entries()) costs[index]?.push(await costOf(way.server.pid, () => fetchLists(way, times)));
  }
  await floor.stop();
  await ours.stop();
  return findingsOf(costs, times);
};

const rowsInAll = 100_000;
const pageSize = 20;
const warmUps = 2000;
const atOnce = 4;
const cpuAtMost = 2;

interface Way {
  readonly server: StagedServer;
  readonly call: Call;
}

/** Ours with the links that a list is asked for; the floor has none to give. */
function waysTo(floor: StagedServer, ours: StagedServer): Way[] {
  return [
    { server: floor, call: graphqlCall(floor, listQuery(''), { first: pageSize }) },
    { server: ours, call: graphqlCall(ours, listQuery('url'), { first: pageSize }) },
    { server: ours, call: { method: 'GET', url: `${ours.url}/api/v1/media/?first=${pageSize}`, headers: ours.headers } },
  ];
}

function listQuery(more: string): string {
  return `query ($first: Int!) { myMedia(first: $first) {
    edges { node { id kind filename mimeType size sha256 width height title altText tags createdAt updatedAt ${more} } }
    pageInfo { hasNextPage endCursor } } }`;
}

async function fetchLists({ call }: Way, times: number): Promise<void> {
  for (const answer of await send(call, { times, atOnce })) {
    if (answer.split('"sha256":').length !== pageSize + 1) throw new Error(`Not a list of ${pageSize}: ${answer.slice(0, 500)}`);
  }
}

function findingsOf(costs: readonly Cost[][], times: number): Finding[] {
  const [floor, graphql, rest] = costs.map((rounds) => {
    const each = rounds.map(({ cpuSeconds }) => (cpuSeconds * 1000) / times);
    const perSecond = times / median(rounds.map(({ wallSeconds }) => wallSeconds));
    return { measured: median(each), rounds: each, throughput: `${Math.round(perSecond)}/s`, unit: 'ms' as const };
  });
  if (floor === undefined || graphql === undefined || rest === undefined) return [];
  const what = `list ${pageSize} of ${rowsInAll}`;
  const against = { name: 'floor', measured: floor.measured };
  const limit = { of: 'ratio', atMost: cpuAtMost } as const;
  return [
    { what, how: 'floor', ...floor },
    { what, how: 'graphql', ...graphql, against, limit },
    { what, how: 'rest', ...rest, against, limit },
    { what, how: 'rest', ...rest, against: { name: 'graphql', measured: graphql.measured }, limit: { of: 'ratio', atMost: 1 } },
  ];
}
