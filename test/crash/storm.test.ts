import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { WireAsset } from '../support/doors.ts';
import { restClient } from '../support/rest-door.ts';
import { tokenOf } from '../support/server.ts';
import { type Knowledge, runClient } from './clients.ts';
import { createInstallation, type Installation, sha256Of, usageOf } from './installation.ts';
import { ServerSeat } from './server-process.ts';

const clients = 100;
const uploadsEach = 10;
const secondsBetweenKills = 2;

test('1,000 uploads by 100 clients, 30 % cut off, two servers that are killed in turn: at the end every listed asset has its bytes, and there is nothing else', async () => {
  const installation = await createInstallation('disk');
  const environment = { ...installation.environment, SWEEP_INTERVAL_SECONDS: '1', UPLOAD_GRACE_SECONDS: '4' };
  const seats = [new ServerSeat(environment), new ServerSeat(environment)];
  let killing: { stop(): Promise<number> } | undefined;
  try {
    await Promise.all(seats.map((seat) => seat.start()));
    killing = killInTurn(seats);
    const servers = (): string[] => seats.map(({ url }) => url).filter((url) => url !== undefined);
    const everybody = await Promise.all(
      Array.from({ length: clients }, (_, index) =>
        runClient({
          user: `client-${index}`,
          uploads: uploadsEach,
          shareCutOff: 0.3,
          shareDeleted: 0.1,
          servers,
          random: randomFrom(index + 1),
        }),
      ),
    );
    const kills = await killing.stop();
    await sweptClean(installation);

    const [url = ''] = servers();
    const listed = await Promise.all(everybody.map((knowledge) => checkClient(url, knowledge)));
    const rows = await installation.rows();
    const { objects, debris } = await installation.stored();
    process.stdout.write(`\n${summary(everybody, kills, rows.length)}\n`);

    expect(rows.map(({ id }) => id).sort()).toEqual(
      listed
        .flat()
        .map(({ id }) => id)
        .sort(),
    );
    expect([...objects.keys()].sort()).toEqual(rows.map(({ id }) => `${id}/original`).sort());
    expect(debris).toEqual([]);
    const usage = await installation.usage();
    expect(usage).toEqual(
      usageOf(
        rows,
        usage.map(({ user_id }) => user_id),
      ),
    );
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(await Promise.all(seats.map((seat) => seat.stop('SIGTERM')))).toEqual([0, 0]);
  } finally {
    await killing?.stop();
    await Promise.all(seats.map((seat) => seat.stop('SIGKILL')));
    await installation.remove();
  }
});

/** Every few seconds one of them dies, and comes back; never both at once. */
function killInTurn(seats: readonly ServerSeat[]): { stop(): Promise<number> } {
  let stopped = false;
  const run = async (): Promise<number> => {
    for (let kills = 0; ; kills += 1) {
      for (let waited = 0; waited < secondsBetweenKills * 10 && !stopped; waited += 1) await sleep(100);
      const seat = seats[kills % seats.length];
      if (stopped || seat === undefined) return kills;
      await seat.stop('SIGKILL');
      await sleep(200);
      await seat.start();
    }
  };
  const running = run();
  return {
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

/** What the killed processes left is taken up when its grace, or somebody's lease, is over; the test lets that time pass by SQL. */
async function sweptClean(installation: Installation): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await installation.rows()).every(({ status }) => status === 'READY')) return;
    if (tries % 10 === 9) await installation.age('hours');
    await sleep(500);
  }
}

/** What the client sees is what it was told, byte for byte. */
async function checkClient(url: string, knowledge: Knowledge): Promise<readonly WireAsset[]> {
  const { acknowledged, unknown, deleted, perhapsDeleted, user } = knowledge;
  const { items, totalCount } = await restClient({ url }, await tokenOf(user)).list({ first: 100 });
  expect(totalCount).toBe(items.length);
  const found = new Set(items.map(({ sha256 }) => sha256));
  const missing = [...acknowledged].filter((sha256) => !found.has(sha256) && !deleted.has(sha256) && !perhapsDeleted.has(sha256));
  const surplus = [...found].filter((sha256) => deleted.has(sha256) || !(acknowledged.has(sha256) || unknown.has(sha256)));
  expect({ user, missing, surplus }).toEqual({ user, missing: [], surplus: [] });
  for (const asset of items) {
    const bytes = Buffer.from(await (await fetch(asset.url)).arrayBuffer());
    expect({ id: asset.id, size: bytes.length, sha256: sha256Of(bytes) }).toEqual({
      id: asset.id,
      size: asset.size,
      sha256: asset.sha256,
    });
  }
  return items;
}

function summary(everybody: readonly Knowledge[], kills: number, rows: number): string {
  const sum = (count: (each: Knowledge) => number): number => everybody.reduce((total, each) => total + count(each), 0);
  const refusals = Map.groupBy(
    everybody.flatMap(({ refused }) => refused),
    (code) => code,
  );
  return [
    `Storm: ${clients * uploadsEach} uploads by ${clients} clients to two servers, ${kills} SIGKILLs`,
    `  cut off by the client         ${sum(({ cutOff }) => cutOff)}`,
    `  answered with an asset        ${sum(({ acknowledged }) => acknowledged.size)}, of which deleted ${sum(({ deleted }) => deleted.size)}`,
    `  no answer (server was killed) ${sum(({ unknown }) => unknown.size)}`,
    `  refused                       ${[...refusals].map(([code, all]) => `${code} ${all.length}`).join(', ') || 'none'}`,
    `  in the end                    ${rows} assets, each with its exact bytes; no other row, no other object, no draft`,
  ].join('\n');
}

/** Mulberry32: the same numbers in every run. */
function randomFrom(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
