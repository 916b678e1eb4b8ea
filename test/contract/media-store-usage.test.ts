import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { arrived, newImage, openTestStore, type TestStore } from '../support/media-store.ts';

let database: TestStore;
beforeAll(async () => {
  database = await openTestStore();
});
afterAll(() => database.close());

test('usage is the sum of the visible rows, and reservations that of the running ones, after any mix of operations at once', async () => {
  const { store } = database;
  const step = fc.record({
    operation: fc.constantFrom(
      'begin',
      'announce',
      'claim',
      'reserve',
      'commit',
      'abandon',
      'cancel',
      'delete',
      'sweep',
      'forget',
      'touch',
    ),
    slot: fc.nat({ max: 5 }),
    bytes: fc.integer({ min: 0, max: 60 }),
  });
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(batches, async (steps) => {
      const owners = [uuidv7(), uuidv7()];
      const slots = Array.from({ length: 6 }, (_, index) => newImage(owners[index % 2] ?? ''));
      for (const batch of steps) {
        const results = await Promise.allSettled(batch.map((each) => perform(slots, each)));
        const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code);
        expect(failures.filter((code) => code !== 'QUOTA_EXCEEDED')).toEqual([]);
      }
      const kept = `select coalesce(sum(asset_count), 0)::int as count, coalesce(sum(size_bytes), 0)::int as size,
      coalesce(sum(reserved_bytes), 0)::int as reserved from media_usage where user_id = any($1)`;
      const counted = `select count(*) filter (where status = 'READY')::int as count,
      coalesce(sum(size_bytes) filter (where status = 'READY'), 0)::int as size,
      coalesce(sum(reserved_bytes), 0)::int as reserved from media_assets where user_id = any($1)`;
      expect(await database.sql(kept, [owners])).toEqual(await database.sql(counted, [owners]));
    }),
    { numRuns: 20 },
  );

  type Step = { operation: string; slot: number; bytes: number };

  async function perform(slots: ReturnType<typeof newImage>[], { operation, slot, bytes }: Step): Promise<unknown> {
    const reservation = { reserveBytes: bytes, quotaBytes: 100 };
    const asset = slots[slot] ?? newImage('');
    if (operation === 'begin' || operation === 'announce') {
      const next = newImage(asset.ownerId);
      slots[slot] = next;
      return await store.begin(next, { ...reservation, ...(operation === 'announce' && { isAnnounced: true }) });
    }
    if (operation === 'claim') return await store.claimCompletion(asset.id, { by: uuidv7(), seconds: 0 });
    if (operation === 'cancel') return await store.startCancellation(asset.ownerId, asset.id);
    if (operation === 'reserve') return await store.reserve(asset.id, reservation);
    if (operation === 'commit') return await store.commit(arrived(Object.assign(newImage(''), asset), bytes));
    if (operation === 'abandon') return await store.abandon(asset.id);
    if (operation === 'delete') return await store.startDeletion(asset.ownerId, asset.id);
    if (operation === 'sweep') return await store.claimUnfinished({ graceSeconds: 0, leaseSeconds: 0, limit: 3 });
    if (operation === 'forget') return await store.forget(asset.id);
    return await store.touch(asset.id);
  }
});

test('an upload is committed although its beginning is tried again at that moment, which its key refuses', async () => {
  const { store } = database;
  for (let round = 0; round < 40; round++) {
    const image = newImage('twice');
    await store.begin(image, { reserveBytes: 3, quotaBytes: undefined });
    const again = store.begin(image, { reserveBytes: 3, quotaBytes: undefined });
    const [committed] = await Promise.all([
      store.commit(arrived(Object.assign(newImage('twice'), image), 3)),
      expect(again).rejects.toMatchObject({ code: '23505' }),
    ]);
    expect(committed).toBe(true);
  }
  const [held] = await database.sql("select reserved_bytes::int from media_usage where user_id = 'twice'");
  expect(held).toEqual({ reserved_bytes: 0 });
});
