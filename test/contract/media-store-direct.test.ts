import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import type { ImageAsset } from '../../src/media/media-asset.ts';
import { arrived, newImage, openTestStore, type TestStore } from '../support/media-store.ts';

let database: TestStore;
beforeAll(async () => {
  database = await openTestStore();
});
afterAll(() => database.close());

const inAnHour = (): Date => new Date(Date.now() + 3_600_000);
const sweep = { graceSeconds: 60, leaseSeconds: 60, limit: 50 };
const mine = (): { by: string; seconds: number } => ({ by: uuidv7(), seconds: 30 });

async function announce(ownerId: string, sizeBytes = 10): Promise<ImageAsset> {
  const image = newImage(ownerId);
  await database.store.begin(image, { reserveBytes: sizeBytes, quotaBytes: undefined, isAnnounced: true });
  return image;
}

async function reservedBy(ownerId: string): Promise<number> {
  const [found] = await database.sql('select reserved_bytes from media_usage where user_id = $1', [ownerId]);
  return Number(found?.reserved_bytes);
}

describe('a direct upload', () => {
  test('is pending with what was announced and its session, until it is committed, and then is as any asset', async () => {
    const { store } = database;
    const image = await announce('ann', 5_368_709_120);
    expect(await store.find('ann', image.id)).toBeUndefined();
    expect(await store.findPending(image.id)).toEqual({ asset: image, sizeBytes: 5_368_709_120, session: { uri: undefined } });
    expect(await store.keepSession(image.id, { uri: 'https://bucket/session?upload_id=1', until: inAnHour() })).toBe(true);
    expect((await store.findPending(image.id))?.session).toEqual({ uri: 'https://bucket/session?upload_id=1' });

    expect(await store.commit(arrived(image, 7))).toBe(true);
    expect(await store.findPending(image.id)).toBeUndefined();
    expect(await store.find('ann', image.id)).toEqual(image);
    expect(await store.usage('ann')).toEqual({ count: 1, sizeBytes: 7 });
    expect(await reservedBy('ann')).toBe(0);
    expect(await store.keepSession(image.id, { uri: 'too late', until: inAnHour() })).toBe(false);
    // The secret is not kept a moment longer than it is of use; and nothing holds a deletion up.
    expect(await database.sql('select session_uri from media_assets where id = $1', [image.id])).toEqual([{ session_uri: null }]);
    await store.startDeletion('ann', image.id);
    expect(await store.forget(image.id)).toBe(true);
  });

  test('counts against the quota from the start, and as pending of its owner alone', async () => {
    const { store } = database;
    const reservation = { reserveBytes: 60, quotaBytes: 100, isAnnounced: true };
    const image = newImage('quinn');
    await store.begin(image, reservation);
    await expect(store.begin(newImage('quinn'), reservation)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    await store.begin(newImage('quinn'), { reserveBytes: 10, quotaBytes: 100 });
    expect([await store.countPending('quinn'), await store.countPending('other')]).toEqual([1, 0]);
    await store.abandon(image.id);
    expect(await store.countPending('quinn')).toBe(0);
    await store.begin(newImage('quinn'), reservation);
  });

  test('whose session was never handed out is abandoned like any upload, not only when the session would have ended', async () => {
    const { store, sql } = database;
    const [lost, kept] = [await announce('zoe'), await announce('zoe')];
    expect(await store.keepSession(kept.id, { uri: undefined, until: inAnHour() })).toBe(true);
    await sql(`update media_assets set alive_at = alive_at - interval '2 minutes' where user_id = 'zoe'`);
    const taken = await store.claimUnfinished(sweep);
    expect(taken).toContainEqual({ id: lost.id, session: { uri: undefined } });
    expect(taken.map(({ id }) => id)).not.toContain(kept.id);
  });

  test('needs no sign of life while its session lives, and then is swept with the session that has to be ended', async () => {
    const { store, sql } = database;
    const image = await announce('sue');
    await store.keepSession(image.id, { uri: 'https://bucket/2', until: inAnHour() });
    expect(await store.touch(image.id)).toBe(true);
    expect((await store.claimUnfinished({ ...sweep, graceSeconds: 0 })).map(({ id }) => id)).not.toContain(image.id);
    await sql(`update media_assets set alive_at = now() - interval '2 minutes' where id = $1`, [image.id]);
    expect(await store.claimUnfinished(sweep)).toContainEqual({ id: image.id, session: { uri: 'https://bucket/2' } });
    expect(await reservedBy('sue')).toBe(0);
    // Whoever comes next has to end it too, should the first one fail.
    await sql(`update media_assets set alive_at = now() - interval '2 minutes' where id = $1`, [image.id]);
    expect(await store.claimUnfinished(sweep)).toContainEqual({ id: image.id, session: { uri: 'https://bucket/2' } });
  });

  test('whose session has not been opened is swept as one that may have been; other uploads have none', async () => {
    const { store, sql } = database;
    const [direct, other] = [await announce('tim'), newImage('tim')];
    await store.begin(other, { reserveBytes: 1, quotaBytes: undefined });
    await sql(`update media_assets set alive_at = now() - interval '2 minutes' where user_id = 'tim'`);
    const taken = await store.claimUnfinished(sweep);
    expect(taken).toContainEqual({ id: direct.id, session: { uri: undefined } });
    expect(taken).toContainEqual({ id: other.id, session: undefined });
  });

  test('is completed by one at a time, who may claim it again; by another when the claim runs out or is left', async () => {
    const { store, sql } = database;
    const { id } = await announce('cleo');
    const [first, second] = [mine(), mine()];
    expect(await store.claimCompletion(id, first)).toBe('CLAIMED');
    expect(await store.claimCompletion(id, second)).toBe('TAKEN');
    expect(await store.claimCompletion(id, first)).toBe('CLAIMED');
    await store.leaveCompletion(id, second.by);
    expect(await store.claimCompletion(id, second)).toBe('TAKEN');
    await store.leaveCompletion(id, first.by);
    expect(await store.claimCompletion(id, second)).toBe('CLAIMED');
    await sql(`update media_assets set completing_until = now() - interval '1 second' where id = $1`, [id]);
    expect(await store.claimCompletion(id, first)).toBe('CLAIMED');
    expect(await store.claimCompletion(id, second)).toBe('TAKEN');
    await store.abandon(id);
    expect(await store.claimCompletion(id, first)).toBe('OVER');
    expect(await store.claimCompletion(uuidv7(), first)).toBe('OVER');
  });

  test('is given to one of many who claim it at the same moment', async () => {
    const { store } = database;
    const { id } = await announce('cody');
    const claims = await Promise.all(Array.from({ length: 12 }, () => store.claimCompletion(id, mine())));
    expect(claims.filter((claim) => claim === 'CLAIMED')).toHaveLength(1);
    expect(claims.filter((claim) => claim === 'TAKEN')).toHaveLength(11);
  });

  test('is cancelled by its owner only, with its session, and its share is free at once', async () => {
    const { store } = database;
    const image = await announce('dan', 50);
    await store.keepSession(image.id, { uri: 'https://bucket/3', until: inAnHour() });
    expect(await store.startCancellation('eve', image.id)).toBeUndefined();
    expect(await store.startCancellation('dan', image.id)).toEqual({ id: image.id, session: { uri: 'https://bucket/3' } });
    expect(await store.startCancellation('dan', image.id)).toBeUndefined();
    expect(await reservedBy('dan')).toBe(0);
    expect(await store.commit(arrived(image, 50))).toBe(false);
    expect(await store.forget(image.id)).toBe(true);
  });

  test('that is cancelled while somebody completes it keeps its row until they know', async () => {
    const { store } = database;
    const { id } = await announce('fred');
    const claim = mine();
    await store.claimCompletion(id, claim);
    await store.startCancellation('fred', id);
    expect(await store.forget(id)).toBe(false);
    expect(await store.claimCompletion(id, claim)).toBe('OVER');
    await store.leaveCompletion(id, claim.by);
    expect(await store.forget(id)).toBe(true);
  });

  test('is cancelled or committed, never both, when both are tried at once; an upload in a form is never cancelled so', async () => {
    const { store } = database;
    for (let round = 0; round < 20; round++) {
      const image = await announce('gil', 3);
      const [committed, cancelled] = await Promise.all([
        store.commit(arrived(image, 3)),
        store.startCancellation('gil', image.id),
      ]);
      expect(cancelled === undefined).toBe(committed);
    }
    expect(await reservedBy('gil')).toBe(0);
    const other = newImage('gil');
    await store.begin(other, { reserveBytes: 1, quotaBytes: undefined });
    expect(await store.startCancellation('gil', other.id)).toBeUndefined();
    expect(await store.findPending(other.id)).toBeUndefined();
  });
});
