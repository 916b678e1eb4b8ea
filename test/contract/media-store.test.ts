import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { openDatabase } from '../../src/database/connection.ts';
import {
  addImage,
  arrived,
  claimIds,
  newImage,
  newVideo,
  openTestStore,
  silent,
  type TestStore,
} from '../support/media-store.ts';

let database: TestStore;
beforeAll(async () => {
  database = await openTestStore();
});
afterAll(() => database.close());

const free = { reserveBytes: 0, quotaBytes: undefined };
const sweep = { graceSeconds: 3600, leaseSeconds: 60, limit: 50 };

/** What the row itself says, whatever its state. */
async function row(id: string): Promise<{ status: string; reserved: number } | undefined> {
  const [found] = await database.sql('select status, reserved_bytes from media_assets where id = $1', [id]);
  return found && { status: String(found.status), reserved: Number(found.reserved_bytes) };
}

async function reservedBy(ownerId: string): Promise<number> {
  const [found] = await database.sql('select reserved_bytes from media_usage where user_id = $1', [ownerId]);
  return Number(found?.reserved_bytes);
}

async function age(id: string, seconds: number): Promise<void> {
  await database.sql('update media_assets set alive_at = now() - make_interval(secs => $2) where id = $1', [id, seconds]);
}

function fulfilled(results: PromiseSettledResult<unknown>[]): number {
  return results.filter(({ status }) => status === 'fulfilled').length;
}

describe('an upload', () => {
  test("is nobody's to see until it is committed, and then has every fact", async () => {
    const { store } = database;
    const image = newImage('ann', { filename: 'Bär.png', title: 'A bear', altText: 'brown', tags: ['zoo', 'a,"b\\'] });
    await store.begin(image, { reserveBytes: 7, quotaBytes: undefined });
    expect(await store.find('ann', image.id)).toBeUndefined();
    expect(await store.findShared(image.id)).toBeUndefined();
    expect(await store.usage('ann')).toEqual({ count: 0, sizeBytes: 0 });

    expect(await store.commit(arrived(image, 7))).toBe(true);
    expect(await store.find('ann', image.id)).toEqual(image);
    expect(await store.findShared(image.id)).toEqual(image);
    expect(await store.usage('ann')).toEqual({ count: 1, sizeBytes: 7 });
    expect(await reservedBy('ann')).toBe(0);
  });

  test('of a video comes back as a video, with bytes beyond 32 bits and a rate that is no whole number', async () => {
    const { store } = database;
    const video = newVideo('vic');
    await store.begin(video, free);
    const facts = { width: 1920, height: 1080, durationSeconds: 61.5, videoCodec: 'avc', audioCodec: null, frameRate: 29.97 };
    video.ready({ sizeBytes: 5_368_709_120, sha256: 'cd'.repeat(32) }, facts, new Date());
    await store.commit(video);
    const found = await store.find('vic', video.id);
    expect(found).toEqual(video);
    expect(found?.constructor).toBe(video.constructor);
    expect(found?.status).toBe('READY');
    expect(await store.usage('vic')).toEqual({ count: 1, sizeBytes: 5_368_709_120 });
  });

  test('that the sweep has claimed is not committed, and nothing changes', async () => {
    const { store } = database;
    const image = newImage('late');
    await store.begin(image, { reserveBytes: 5, quotaBytes: undefined });
    await age(image.id, 3601);
    expect(await claimIds(store, sweep)).toEqual([image.id]);
    expect(await store.commit(arrived(image, 5))).toBe(false);
    expect(await row(image.id)).toEqual({ status: 'DELETING', reserved: 0 });
    expect(await store.usage('late')).toEqual({ count: 0, sizeBytes: 0 });
    expect(await reservedBy('late')).toBe(0);
  });

  test('that failed is abandoned: its share is free at once, and the sweep leaves it to whoever gave it up', async () => {
    const { store } = database;
    const image = newImage('fay');
    await store.begin(image, { reserveBytes: 100, quotaBytes: 100 });
    await expect(store.begin(newImage('fay'), { reserveBytes: 1, quotaBytes: 100 })).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
    });
    await age(image.id, 3601);
    expect(await store.abandon(image.id)).toBe(true);
    expect(await claimIds(store, sweep)).toEqual([]);
    await store.begin(newImage('fay'), { reserveBytes: 100, quotaBytes: 100 });
  });

  test('is abandoned for good when its row is DELETING or gone, but not when it turns out to be visible', async () => {
    const { store } = database;
    const image = newImage('abe');
    await store.begin(image, free);
    expect(await store.abandon(image.id)).toBe(true);
    expect(await store.abandon(image.id)).toBe(true);
    await store.forget(image.id);
    expect(await row(image.id)).toBeUndefined();
    expect(await store.abandon(image.id)).toBe(true);

    const visible = await addImage(store, 'abe');
    expect(await store.abandon(visible.id)).toBe(false);
    expect(await store.find('abe', visible.id)).toEqual(visible);
  });

  test('is either committed or abandoned, when both are tried at once', async () => {
    const { store } = database;
    for (let round = 0; round < 20; round++) {
      const image = newImage('race');
      await store.begin(image, { reserveBytes: 3, quotaBytes: undefined });
      const [committed, abandoned] = await Promise.all([store.commit(arrived(image, 3)), store.abandon(image.id)]);
      expect(abandoned).toBe(!committed);
    }
    expect(await reservedBy('race')).toBe(0);
  });

  test('is committed whole, while its last reservation is still on the way', async () => {
    const { store } = database;
    for (let round = 0; round < 40; round++) {
      const image = newImage('tail');
      await store.begin(image, free);
      const reserving = store.reserve(image.id, { reserveBytes: 3, quotaBytes: 1_000_000 });
      expect(await store.commit(arrived(Object.assign(newImage('tail'), image), 3))).toBe(true);
      await reserving;
    }
    expect(await store.usage('tail')).toEqual({ count: 40, sizeBytes: 120 });
    expect(await reservedBy('tail')).toBe(0);
  });
});

describe('a quota', () => {
  test('lets exactly as many of 20 uploads begin at once as fit', async () => {
    const { store } = database;
    const begins = Array.from({ length: 20 }, () => store.begin(newImage('quin'), { reserveBytes: 10, quotaBytes: 75 }));
    const results = await Promise.allSettled(begins);
    expect(fulfilled(results)).toBe(7);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.every(({ reason }) => reason.code === 'QUOTA_EXCEEDED')).toBe(true);
    expect(await reservedBy('quin')).toBe(70);
    expect(await database.sql("select count(*)::int as count from media_assets where user_id = 'quin'")).toEqual([{ count: 7 }]);
  });

  test('lets exactly as many of 20 running uploads grow at once as fit', async () => {
    const { store } = database;
    const videos = Array.from({ length: 20 }, () => newVideo('rob'));
    for (const video of videos) await store.begin(video, { reserveBytes: 1, quotaBytes: 100 });
    const grown = await Promise.allSettled(videos.map(({ id }) => store.reserve(id, { reserveBytes: 11, quotaBytes: 100 })));
    expect(fulfilled(grown)).toBe(8);
    expect(await reservedBy('rob')).toBe(100);
  });

  test('is reached by its last byte, and passed by one more', async () => {
    const { store } = database;
    await addImage(store, 'lea', { sizeBytes: 60 });
    const video = newVideo('lea');
    await store.begin(video, { reserveBytes: 0, quotaBytes: 100 });
    expect(await store.reserve(video.id, { reserveBytes: 40, quotaBytes: 100 })).toBe(true);
    await expect(store.reserve(video.id, { reserveBytes: 41, quotaBytes: 100 })).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
    });
    expect(await row(video.id)).toEqual({ status: 'UPLOADING', reserved: 40 });
  });

  test('counts what was stored and reserved while there was none', async () => {
    const { store } = database;
    await addImage(store, 'una', { sizeBytes: 60 });
    await store.begin(newImage('una'), { reserveBytes: 30, quotaBytes: undefined });
    await expect(store.begin(newImage('una'), { reserveBytes: 11, quotaBytes: 100 })).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
    });
    await store.begin(newImage('una'), { reserveBytes: 10, quotaBytes: 100 });
  });

  test('of one user is no matter of another', async () => {
    const { store } = database;
    await store.begin(newImage('one'), { reserveBytes: 100, quotaBytes: 100 });
    await store.begin(newImage('two'), { reserveBytes: 100, quotaBytes: 100 });
  });
});

describe('a reservation', () => {
  test('is raised to what was asked in all, and never lowered', async () => {
    const { store } = database;
    const video = newVideo('res');
    await store.begin(video, { reserveBytes: 10, quotaBytes: undefined });
    for (const reserveBytes of [30, 20, 30])
      expect(await store.reserve(video.id, { reserveBytes, quotaBytes: undefined })).toBe(true);
    expect(await row(video.id)).toEqual({ status: 'UPLOADING', reserved: 30 });
    expect(await reservedBy('res')).toBe(30);
  });

  test('is a sign of life, and refused to an upload that is over', async () => {
    const { store } = database;
    const video = newVideo('life');
    await store.begin(video, free);
    await age(video.id, 4000);
    expect(await store.reserve(video.id, { reserveBytes: 5, quotaBytes: 100 })).toBe(true);
    expect(await claimIds(store, sweep)).toEqual([]);
    await store.abandon(video.id);
    expect(await store.reserve(video.id, { reserveBytes: 9, quotaBytes: 100 })).toBe(false);
    expect(await store.reserve(uuidv7(), { reserveBytes: 9, quotaBytes: 100 })).toBe(false);
    expect(await reservedBy('life')).toBe(0);
  });
});

describe('a deletion', () => {
  test('is won by exactly one of two at once, and lowers the usage once', async () => {
    const { store } = database;
    const [image] = [await addImage(store, 'del', { sizeBytes: 6 }), await addImage(store, 'del', { sizeBytes: 4 })];
    const answers = await Promise.all([store.startDeletion('del', image.id), store.startDeletion('del', image.id)]);
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    expect(answers.find((answer) => answer !== undefined)).toMatchObject({ id: image.id, state: 'DELETING' });
    expect(await store.usage('del')).toEqual({ count: 1, sizeBytes: 4 });
    expect(await store.find('del', image.id)).toBeUndefined();
    expect(await store.findShared(image.id)).toBeUndefined();
  });

  test("is not for somebody else's asset, nor for one that is still being uploaded", async () => {
    const { store } = database;
    const image = await addImage(store, 'own');
    const running = newImage('own');
    await store.begin(running, free);
    expect(await store.startDeletion('other', image.id)).toBeUndefined();
    expect(await store.startDeletion('own', running.id)).toBeUndefined();
    expect(await store.find('own', image.id)).toEqual(image);
  });

  test('forgets the row when its bytes are gone, and no row that is not DELETING', async () => {
    const { store } = database;
    const image = await addImage(store, 'for');
    await store.forget(image.id);
    expect(await row(image.id)).toEqual({ status: 'READY', reserved: 0 });
    await store.startDeletion('for', image.id);
    await store.forget(image.id);
    expect(await row(image.id)).toBeUndefined();
  });
});

test('the inventory has the rows of everybody, in any state, in the order of their ids, from any of them on', async () => {
  const { store } = database;
  const running = newImage('ivy');
  await store.begin(running, free);
  const [visible, going] = [await addImage(store, 'ida', { sizeBytes: 7 }), await addImage(store, 'ivy')];
  await store.startDeletion('ivy', going.id);
  const ours = [running.id, visible.id, going.id].toSorted();
  const from = ours[0] ?? '';
  const rows = (await store.inventory({ from, limit: 1000 })).filter(({ id }) => ours.includes(id));
  expect(rows.map(({ id }) => id)).toEqual(ours);
  expect(rows).toContainEqual({ id: running.id, state: 'UPLOADING', sizeBytes: 0 });
  expect(rows).toContainEqual({ id: visible.id, state: 'READY', sizeBytes: 7 });
  expect(rows).toContainEqual({ id: going.id, state: 'DELETING', sizeBytes: 10 });
  expect(await store.inventory({ from: visible.id, limit: 1 })).toEqual([{ id: visible.id, state: 'READY', sizeBytes: 7 }]);
});

describe('unfinished business', () => {
  test('is what shows no life for the grace and what nobody works on for a lease, oldest first', async () => {
    const { store } = database;
    const [running, silentOne, fresh, old] = [
      newImage('u'),
      newImage('u'),
      await addImage(store, 'u'),
      await addImage(store, 'u'),
    ];
    for (const image of [running, silentOne]) await store.begin(image, { reserveBytes: 8, quotaBytes: undefined });
    for (const image of [fresh, old]) await store.startDeletion('u', image.id);
    await age(running.id, 3500);
    await age(silentOne.id, 3700);
    await age(fresh.id, 50);
    await age(old.id, 70);
    expect(await claimIds(store, sweep)).toEqual([silentOne.id, old.id]);
    expect(await row(silentOne.id)).toEqual({ status: 'DELETING', reserved: 0 });
    expect(await reservedBy('u')).toBe(8);
    // Leased now: nobody takes it again, until the lease runs out.
    expect(await claimIds(store, sweep)).toEqual([]);
    await age(old.id, 70);
    expect(await claimIds(store, sweep)).toEqual([old.id]);
  });

  test('is left alone when it shows life, even slowly', async () => {
    const { store } = database;
    const image = newImage('slow');
    await store.begin(image, free);
    await age(image.id, 5000);
    expect(await store.touch(image.id)).toBe(true);
    expect(await claimIds(store, sweep)).toEqual([]);
    expect(await row(image.id)).toEqual({ status: 'UPLOADING', reserved: 0 });
  });

  test('is told so when it shows life too late', async () => {
    const { store } = database;
    const image = newImage('late');
    await store.begin(image, free);
    await age(image.id, 5000);
    expect(await claimIds(store, sweep)).toEqual([image.id]);
    expect(await store.touch(image.id)).toBe(false);
    expect(await row(image.id)).toEqual({ status: 'DELETING', reserved: 0 });
  });

  test('is shared out among stores that sweep at once: no row twice, at most the limit each, reservations freed once', async () => {
    const { store, url } = database;
    const other = await openDatabase({ url, log: silent });
    const images = Array.from({ length: 40 }, (_, index) => newImage(`swept-${index % 4}`));
    for (const image of images) await store.begin(image, { reserveBytes: 5, quotaBytes: undefined });
    await database.sql("update media_assets set alive_at = now() - interval '2 hours' where user_id like 'swept-%'");
    const claims = await Promise.all(
      [store, other.store, store, other.store, store].map((each) => claimIds(each, { ...sweep, limit: 9 })),
    );
    const taken = claims.flat();
    expect(new Set(taken).size).toBe(taken.length);
    expect(claims.every((ids) => ids.length <= 9)).toBe(true);
    while ((await claimIds(store, { ...sweep, limit: 9 })).length > 0);
    expect(await Promise.all([0, 1, 2, 3].map((index) => reservedBy(`swept-${index}`)))).toEqual([0, 0, 0, 0]);
    await other.close();
  });
});
