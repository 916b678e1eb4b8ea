import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addImage, claimIds, newImage, openTestStore, type TestStore } from '../support/media-store.ts';

describe('objects that are added to a visible asset', () => {
  let database: TestStore;

  beforeAll(async () => {
    database = await openTestStore();
  });

  afterAll(async () => {
    await database.close();
  });

  test('keep the row of an asset that is deleted meanwhile, until they are there', async () => {
    const { store } = database;
    const { id } = await addImage(store, 'ada');
    const until = await store.expectObject(id, 60);
    if (until === undefined) throw new Error('The asset is not visible');
    expect(until.getTime() - Date.now()).toBeGreaterThan(50_000);
    expect((await store.startDeletion('ada', id))?.id).toBe(id);
    expect(await store.forget(id)).toBe(false);
    expect(await claimIds(store, { graceSeconds: 0, leaseSeconds: 0, limit: 10 })).not.toContain(id);
    expect(await store.objectArrived(id, until)).toBe(false);
    expect(await store.forget(id)).toBe(true);
    expect(await database.sql('select 1 from media_assets where id = $1', [id])).toEqual([]);
  });

  test('that never come, because their process died, are waited for no longer than said', async () => {
    const { store, sql } = database;
    const { id } = await addImage(store, 'ada');
    await store.expectObject(id, 60);
    await store.startDeletion('ada', id);
    expect(await store.forget(id)).toBe(false);
    await sql(`update media_assets set alive_at = alive_at - interval '2 minutes' where id = $1`, [id]);
    expect(await claimIds(store, { graceSeconds: 3600, leaseSeconds: 30, limit: 10 })).toEqual([id]);
    expect(await store.forget(id)).toBe(true);
  });

  test('leave nothing behind: afterwards the asset is deleted at once', async () => {
    const { store } = database;
    const { id } = await addImage(store, 'ada');
    const until = await store.expectObject(id, 60);
    expect(await store.objectArrived(id, until ?? new Date(0))).toBe(true);
    await store.startDeletion('ada', id);
    expect(await store.forget(id)).toBe(true);
  });

  test('are expected until the last of several that are added at once', async () => {
    const { store } = database;
    const { id } = await addImage(store, 'ada');
    const first = await store.expectObject(id, 30);
    const last = await store.expectObject(id, 60);
    expect(await store.objectArrived(id, first ?? new Date(0))).toBe(true);
    await store.startDeletion('ada', id);
    expect(await store.forget(id)).toBe(false);
    expect(await store.objectArrived(id, last ?? new Date(0))).toBe(false);
    expect(await store.forget(id)).toBe(true);
  });

  test('are not expected of an asset that nobody can see', async () => {
    const { store } = database;
    const uploading = newImage('ada');
    await store.begin(uploading, { reserveBytes: 1, quotaBytes: undefined });
    expect(await store.expectObject(uploading.id, 60)).toBeUndefined();
    const deleted = await addImage(store, 'ada');
    await store.startDeletion('ada', deleted.id);
    expect(await store.expectObject(deleted.id, 60)).toBeUndefined();
  });

  test('a focus is kept, and cleared', async () => {
    const { store } = database;
    const { id } = await addImage(store, 'ada');
    const focus = { x: 0.25, y: 1 };
    expect(await store.update('ada', id, { focus }, new Date())).toMatchObject({ focus });
    expect(await store.update('ada', id, { title: 'Still' }, new Date())).toMatchObject({ focus, title: 'Still' });
    expect(await store.update('ada', id, { focus: null }, new Date())).toMatchObject({ focus: null });
  });
});
