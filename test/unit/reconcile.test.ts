import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { type Finding, looksLikeAnotherDatabase, type Reconciliation, reconcile } from '../../src/media/reconcile.ts';
import { addImage, newImage } from '../support/media-store.ts';
import { memoryLibrary } from '../support/memory.ts';

type Memory = ReturnType<typeof memoryLibrary>;

async function compare(
  memory: Memory,
  { apply = false, clock = () => new Date() } = {},
): Promise<Reconciliation & { findings: Finding[] }> {
  const findings: Finding[] = [];
  const result = await reconcile({
    ...memory,
    clock,
    minAgeSeconds: 86_400,
    apply,
    signal: new AbortController().signal,
    onFinding: (finding) => findings.push(finding),
    onProgress: () => undefined,
  });
  return { ...result, findings };
}

/** A visible asset of 10 bytes with its original. */
async function wholeAsset({ store, storage }: Memory, ownerId = 'ada'): Promise<string> {
  const { id } = await addImage(store, ownerId, { sizeBytes: 10 });
  storage.objects.set(`${id}/original`, Buffer.alloc(10));
  return id;
}

describe('reconciling', () => {
  test('a storage and a table that agree finds nothing, renditions and running uploads included', async () => {
    const memory = memoryLibrary();
    const id = await wholeAsset(memory);
    memory.storage.objects.set(`${id}/w640.webp`, Buffer.alloc(5));
    const running = newImage('ada');
    await memory.store.begin(running, { reserveBytes: 0, quotaBytes: undefined });
    const going = await wholeAsset(memory);
    await memory.store.startDeletion('ada', going);
    const { findings, ...result } = await compare(memory, { apply: true });
    expect(findings).toEqual([]);
    expect(result).toEqual({
      assets: 3,
      unfinishedAssets: 2,
      objects: 3,
      storedBytes: 25,
      foreignObjects: 0,
      unknown: 0,
      young: 0,
      removed: 0,
      missing: 0,
      different: 0,
    });
    expect(memory.storage.objects.size).toBe(3);
  });

  test('reports what is unknown, missing and different, and changes nothing', async () => {
    const memory = memoryLibrary();
    await wholeAsset(memory);
    const [missing, different, unknown] = [await wholeAsset(memory), await wholeAsset(memory), await wholeAsset(memory)];
    memory.storage.objects.delete(`${missing}/original`);
    memory.storage.objects.set(`${missing}/w64.webp`, Buffer.alloc(3));
    memory.storage.objects.set(`${different}/original`, Buffer.alloc(9));
    memory.store.rows.delete(unknown);
    memory.storage.objects.set(`${unknown}/w64.webp`, Buffer.alloc(4));
    const { findings, ...result } = await compare(memory);
    expect(findings).toEqual([
      { what: 'missing', id: missing, key: `${missing}/original`, sizeBytes: 10 },
      { what: 'different', id: different, key: `${different}/original`, sizeBytes: 10, storedBytes: 9 },
      { what: 'unknown', id: unknown, objects: 2, sizeBytes: 14, fate: 'kept' },
    ]);
    expect(result).toMatchObject({ assets: 3, objects: 5, unknown: 1, removed: 0, missing: 1, different: 1 });
    expect(memory.storage.objects.size).toBe(5);
    expect(memory.store.rows.size).toBe(3);
  });

  test('removes, when told to, what is unknown and old enough: nothing else, and no row ever', async () => {
    const memory = memoryLibrary();
    const [kept, missing, unknown] = [await wholeAsset(memory), await wholeAsset(memory), await wholeAsset(memory)];
    memory.storage.objects.delete(`${missing}/original`);
    memory.store.rows.delete(unknown);
    memory.storage.objects.set('backup/2026.tar', Buffer.alloc(1));
    memory.storage.objects.set(`${unknown.toUpperCase()}/original`, Buffer.alloc(1));
    const { findings, ...result } = await compare(memory, { apply: true });
    expect(findings.map(({ what }) => what)).toEqual(['missing', 'unknown']);
    expect(result).toMatchObject({ unknown: 1, removed: 1, missing: 1, foreignObjects: 2 });
    expect([...memory.storage.objects.keys()].sort()).toEqual(
      [`${kept}/original`, 'backup/2026.tar', `${unknown.toUpperCase()}/original`].sort(),
    );
    expect([...memory.store.rows.keys()].sort()).toEqual([kept, missing].sort());
  });

  test('leaves alone what is younger than the limit', async () => {
    const memory = memoryLibrary();
    memory.storage.objects.set(`${uuidv7()}/original`, Buffer.alloc(1));
    // The memory's objects are all of 1970.
    const almost = await compare(memory, { apply: true, clock: () => new Date(86_399_999) });
    expect(almost).toMatchObject({ young: 1, unknown: 0, removed: 0 });
    const justSo = await compare(memory, { apply: true, clock: () => new Date(86_400_000) });
    expect(justSo).toMatchObject({ young: 0, unknown: 1, removed: 1 });
  });

  test('is not misled by uploads and deletions that go on meanwhile', async () => {
    const memory = memoryLibrary();
    const deleted = await wholeAsset(memory);
    const [late, later] = [newImage('ada'), newImage('ada')];
    const list = memory.storage.list.bind(memory.storage);
    memory.storage.list = async function* () {
      // The rows' page is read first: what comes now is in the storage's list alone, and what goes now in the rows' alone.
      memory.store.rows.delete(deleted);
      memory.storage.objects.delete(`${deleted}/original`);
      for (const image of [late, later]) {
        await memory.store.begin(image, { reserveBytes: 0, quotaBytes: undefined });
        memory.storage.objects.set(`${image.id}/original`, Buffer.alloc(10));
      }
      yield* list();
    };
    const { findings } = await compare(memory, { apply: true });
    expect(findings).toEqual([]);
    expect(memory.storage.objects.size).toBe(2);
  });

  test('finds exactly the differences of any two sets', async () => {
    const ids = Array.from({ length: 12 }, () => uuidv7());
    const subset = fc.subarray(ids);
    await fc.assert(
      fc.asyncProperty(subset, subset, async (inTable, inStorage) => {
        const memory = memoryLibrary();
        for (const id of inTable) memory.store.rows.set(id, Object.assign(newImage('ada'), { id, state: 'READY', sizeBytes: 1 }));
        for (const id of inStorage) memory.storage.objects.set(`${id}/original`, Buffer.alloc(1));
        const { findings } = await compare(memory);
        const only = (some: string[], others: string[]): string[] => some.filter((id) => !others.includes(id)).sort();
        const found = (what: string): string[] => findings.filter((each) => each.what === what).map(({ id }) => id);
        expect(found('missing')).toEqual(only(inTable, inStorage));
        expect(found('unknown')).toEqual(only(inStorage, inTable));
      }),
      { numRuns: 200 },
    );
  });

  test('pages through more rows than one question answers', async () => {
    const memory = memoryLibrary();
    const ids = Array.from({ length: 2001 }, () => uuidv7());
    for (const id of ids) memory.store.rows.set(id, Object.assign(newImage('ada'), { id, state: 'READY', sizeBytes: 1 }));
    for (const id of ids.slice(0, -1)) memory.storage.objects.set(`${id}/original`, Buffer.alloc(1));
    expect(await compare(memory)).toMatchObject({ assets: 2001, objects: 2000, missing: 1, unknown: 0 });
  });

  test('tells a wrong database from the traces of crashes', () => {
    const found = { assets: 10, unknown: 3, young: 0 } as Reconciliation;
    expect(looksLikeAnotherDatabase(found)).toBe(false);
    expect(looksLikeAnotherDatabase({ ...found, unknown: 9, young: 2 })).toBe(true);
    expect(looksLikeAnotherDatabase({ ...found, assets: 0 })).toBe(true);
  });
});
