import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { claimUnfinished } from '../../src/database/lifecycle.ts';
import { page } from '../../src/database/lists.ts';
import type { Statement } from '../../src/database/statements.ts';
import type { MediaAsset } from '../../src/media/media-asset.ts';
import type { PageFilter, Position } from '../../src/media/ports.ts';
import { addImage, newImage, newVideo, openTestStore, type TestStore } from '../support/media-store.ts';

let database: TestStore;
beforeAll(async () => {
  database = await openTestStore();
});
afterAll(() => database.close());

const noon = new Date('2026-03-01T12:00:00.123Z');

function later(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

function ids(assets: readonly MediaAsset[]): string[] {
  return assets.map(({ id }) => id);
}

/** All pages of two, one after the other, as a client walks through them. */
async function walk(ownerId: string, afterEachPage: () => Promise<unknown> = async () => undefined): Promise<string[]> {
  const seen: string[] = [];
  let after: Position | undefined;
  for (;;) {
    const rows = await database.store.page({ ownerId, first: 2, filter: {}, ...(after && { after }) });
    const page = rows.slice(0, 2);
    seen.push(...ids(page));
    after = page.at(-1);
    if (rows.length <= 2) return seen;
    await afterEachPage();
  }
}

async function names(ownerId: string, filter: PageFilter): Promise<string[]> {
  const page = await database.store.page({ ownerId, first: 100, filter });
  expect(await database.store.count(ownerId, filter)).toBe(page.length);
  return page.map(({ filename }) => filename);
}

describe('a list', () => {
  test('is newest first, with one row more than asked for when there are more', async () => {
    const { store } = database;
    for (const minute of [2, 1, 3]) await addImage(store, 'new', { now: later(minute), filename: `minute ${minute}` });
    expect(await names('new', {})).toEqual(['minute 3', 'minute 2', 'minute 1']);
    expect(await store.page({ ownerId: 'new', first: 2, filter: {} })).toHaveLength(3);
    expect(await store.page({ ownerId: 'new', first: 3, filter: {} })).toHaveLength(3);
    expect(await store.page({ ownerId: 'nobody', first: 3, filter: {} })).toEqual([]);
  });

  test('shows each asset once, when many were created in the same millisecond and new ones come in meanwhile', async () => {
    const { store } = database;
    const images = [];
    for (let index = 0; index < 9; index++) images.push(await addImage(store, 'walk', { now: noon }));
    const expected = ids(images).sort().reverse();
    expect(await walk('walk', () => addImage(store, 'walk', { now: later(1) }))).toEqual(expected);
  });

  test('goes on from a position whose asset has been deleted', async () => {
    const { store } = database;
    const images = [];
    for (const minute of [0, 1, 2]) images.push(await addImage(store, 'gap', { now: later(minute) }));
    const [oldest, middle] = images;
    if (oldest === undefined || middle === undefined) throw new Error('There are three');
    await store.startDeletion('gap', middle.id);
    expect(ids(await store.page({ ownerId: 'gap', first: 5, after: middle, filter: {} }))).toEqual([oldest.id]);
  });

  test('is filtered by kind, status and tag, alone and together', async () => {
    const { store } = database;
    await addImage(store, 'fil', { now: later(0), filename: 'a', tags: ['x', 'y'] });
    await addImage(store, 'fil', { now: later(1), filename: 'b', tags: ['y'] });
    const video = newVideo('fil', { now: later(2), filename: 'c', tags: ['x'] });
    await store.begin(video, { reserveBytes: 0, quotaBytes: undefined });
    const facts = { width: 1, height: 1, durationSeconds: null, videoCodec: null, audioCodec: null, frameRate: null };
    video.ready({ sizeBytes: 1, sha256: '' }, facts, noon);
    await store.commit(Object.assign(video, { state: 'FAILED' }));
    expect(await names('fil', { kind: 'VIDEO' })).toEqual(['c']);
    expect(await names('fil', { status: 'READY' })).toEqual(['b', 'a']);
    expect(await names('fil', { status: 'PROCESSING' })).toEqual([]);
    expect(await names('fil', { tag: 'x' })).toEqual(['c', 'a']);
    expect(await names('fil', { tag: 'X' })).toEqual([]);
    expect(await names('fil', { tag: 'x', kind: 'IMAGE', status: 'READY', search: 'A' })).toEqual(['a']);
  });
});

describe('a search', () => {
  test('finds a part of filename, title or alternative text, whatever the case, beyond ASCII too', async () => {
    const { store } = database;
    await addImage(store, 'sea', { now: later(0), filename: 'Übung.jpg' });
    await addImage(store, 'sea', { now: later(1), filename: '1', title: 'Морской ПЕЙЗАЖ' });
    await addImage(store, 'sea', { now: later(2), filename: '2', altText: 'a red Étoile, 東京' });
    expect(await names('sea', { search: 'üBUNG.J' })).toEqual(['Übung.jpg']);
    expect(await names('sea', { search: 'пейзаж' })).toEqual(['1']);
    expect(await names('sea', { search: 'RED é' })).toEqual(['2']);
    expect(await names('sea', { search: '東京' })).toEqual(['2']);
    expect(await names('sea', { search: 'blue' })).toEqual([]);
  });

  test('takes the signs of patterns and of SQL for themselves', async () => {
    const { store } = database;
    const odd = ['100%.jpg', '100x.jpg', 'a_b.jpg', 'axb.jpg', 'c\\d.jpg', "o'neil.jpg"];
    for (const [minute, filename] of odd.entries()) await addImage(store, 'odd', { now: later(minute), filename });
    expect(await names('odd', { search: '0%.' })).toEqual(['100%.jpg']);
    expect(await names('odd', { search: 'a_b' })).toEqual(['a_b.jpg']);
    expect(await names('odd', { search: '\\' })).toEqual(['c\\d.jpg']);
    expect(await names('odd', { search: "o'n" })).toEqual(["o'neil.jpg"]);
    expect(await names('odd', { search: '%' })).toEqual(['100%.jpg']);
    expect(await names('odd', { search: '_' })).toEqual(['a_b.jpg']);
  });
});

describe('an update', () => {
  test('changes what it names, leaves the rest, and answers the asset as it is now', async () => {
    const { store } = database;
    const image = await addImage(store, 'upd', { now: noon, title: 'old', altText: 'text', tags: ['a'] });
    const changed = await store.update('upd', image.id, { title: null, tags: ['b', 'c'] }, later(1));
    expect(changed).toEqual(Object.assign(image, { title: null, tags: ['b', 'c'], updatedAt: later(1) }));
    expect(await store.find('upd', image.id)).toEqual(changed);
    await store.update('upd', image.id, { altText: 'words' }, later(2));
    expect(await store.find('upd', image.id)).toMatchObject({
      title: null,
      altText: 'words',
      tags: ['b', 'c'],
      updatedAt: later(2),
    });
  });

  test('finds nothing that is not visible', async () => {
    const { store } = database;
    const running = newImage('upd');
    await store.begin(running, { reserveBytes: 0, quotaBytes: undefined });
    const deleted = await addImage(store, 'upd');
    await store.startDeletion('upd', deleted.id);
    for (const { id } of [running, deleted]) expect(await store.update('upd', id, { title: 'x' }, noon)).toBeUndefined();
  });
});

test("two owners never see or change what is the other's", async () => {
  const { store } = database;
  const hers = await addImage(store, 'her', { tags: ['shared'], title: 'shared', sizeBytes: 3 });
  await addImage(store, 'him', { tags: ['shared'], title: 'shared', sizeBytes: 4 });
  expect(await store.find('him', hers.id)).toBeUndefined();
  expect(await store.update('him', hers.id, { title: 'mine' }, noon)).toBeUndefined();
  expect(await store.startDeletion('him', hers.id)).toBeUndefined();
  for (const filter of [{}, { tag: 'shared' }, { search: 'shared' }] satisfies PageFilter[]) {
    expect(ids(await store.page({ ownerId: 'her', first: 10, filter }))).toEqual([hers.id]);
    expect(await store.count('her', filter)).toBe(1);
  }
  expect(await store.usage('her')).toEqual({ count: 1, sizeBytes: 3 });
  expect(await store.usage('stranger')).toEqual({ count: 0, sizeBytes: 0 });
  expect(await store.find('her', hers.id)).toEqual(hers);
});

describe('among 20,000 assets of one user', () => {
  beforeAll(async () => {
    await database.sql(`
      insert into media_assets (id, user_id, kind, status, filename, storage_uri, mime_type, size_bytes, sha256, tags, created_at, updated_at)
      select gen_random_uuid(), 'many', 'IMAGE', 'READY', i || '.jpg', '', 'image/jpeg', 1, '', '{}', moment, moment
      from generate_series(1, 20000) as i, lateral (select now() - i * interval '1 minute' as moment) as moments`);
    await database.sql('analyze media_assets');
  });

  test.each([{}, { status: 'READY' }, { kind: 'IMAGE' }] satisfies PageFilter[])(
    'a page deep in the list filtered by %j is read from the index, in order, and no row more',
    async (filter) => {
      const after = { createdAt: new Date(Date.now() - 15_000 * 60_000), id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
      const plan = await planOf(page('id, filename', { ownerId: 'many', first: 20, after, filter }));
      expect(plan).toContain('Index Scan Backward using media_assets_by_time');
      expect(plan).toMatch(/Index Cond: .*user_id = .*ROW\(created_at, id\) < /);
      expect(plan).not.toContain('Sort');
      expect(plan).toMatch(/Index Scan Backward .*actual rows=21(\.00)? /);
    },
  );

  test('the sweep reads only what is unfinished', async () => {
    const plan = await planOf(claimUnfinished({ graceSeconds: 60, leaseSeconds: 60, limit: 50 }));
    expect(plan).toContain('Index Scan using media_assets_unfinished');
  });

  /** The plan without a look at the values, which is what a prepared statement comes to use; run once, and rolled back by its error. */
  async function planOf({ text, values }: Statement): Promise<string> {
    const literals = values.map((value) => `'${value instanceof Date ? value.toISOString() : value}'`).join(', ');
    await database.sql(`set plan_cache_mode = force_generic_plan; prepare planned as ${text}`);
    const plan = await database.sql(`explain (analyze, timing off, summary off) execute planned(${literals})`);
    await database.sql('deallocate planned; reset plan_cache_mode');
    return plan.map((line) => line['QUERY PLAN']).join('\n');
  }
});
