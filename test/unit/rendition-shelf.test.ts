import { beforeEach, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { ImageAsset } from '../../src/media/media-asset.ts';
import { originalKey } from '../../src/media/policy.ts';
import type { ImageTools, Log, PicturePlan } from '../../src/media/ports.ts';
import { RenditionShelf, type ShelfDependencies } from '../../src/media/rendition-shelf.ts';
import { jpeg } from '../support/media/pictures.ts';
import { MemoryStorage, MemoryStore } from '../support/memory.ts';

/** The real tools, which count how often they begin to make pictures, and how often an original is read for it. */
class CountingTools extends SharpImageTools {
  batches = 0;
  pictures = 0;

  override async render(image: Parameters<ImageTools['render']>[0], orders: Parameters<ImageTools['render']>[1]): Promise<void> {
    this.batches += 1;
    const take = (): ReturnType<typeof orders.take> => {
      const taken = orders.take();
      this.pictures += taken.length;
      return taken;
    };
    await super.render(image, { ...orders, take });
  }
}

/** Objects in memory whose reading and storing can be held up. */
class SlowStorage extends MemoryStorage {
  reads = 0;
  beforePut: (() => Promise<void>) | undefined;

  override async read(...args: Parameters<MemoryStorage['read']>): ReturnType<MemoryStorage['read']> {
    this.reads += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await super.read(...args);
  }

  override async scan(...args: Parameters<MemoryStorage['scan']>): ReturnType<MemoryStorage['scan']> {
    this.reads += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    await super.scan(...args);
  }

  override async put(...args: Parameters<MemoryStorage['put']>): ReturnType<MemoryStorage['put']> {
    await this.beforePut?.();
    return await super.put(...args);
  }
}

const webp = (width: number): PicturePlan => ({ width, height: (width * 2) / 3, fit: 'INSIDE', format: 'WEBP' });

describe('the shelf of renditions', () => {
  let tools: CountingTools;
  let storage: SlowStorage;
  let store: MemoryStore;
  let warnings: string[];
  let dependencies: ShelfDependencies;
  let asset: ImageAsset;

  beforeEach(async () => {
    tools = new CountingTools();
    storage = new SlowStorage();
    store = new MemoryStore();
    warnings = [];
    const log: Log = { info: () => undefined, warn: (_fields, message) => warnings.push(message), error: () => undefined };
    const purge = async (id: string): Promise<void> => {
      await storage.removeAll(`${id}/`);
      await store.forget(id);
    };
    dependencies = { images: tools, storage, store, maxPixels: 1e8, clock: () => new Date(), purge, log };
    asset = await imageOf(await jpeg({ width: 600, height: 400 }));
  });

  const imageOf = async (bytes: Buffer): Promise<ImageAsset> => {
    const id = uuidv7();
    const facts = { width: 600, height: 400, animated: false, hasAlpha: false, placeholder: '', dominantColor: null };
    const described = { title: null, altText: null, tags: [], storageUri: '', now: new Date() };
    const image = ImageAsset.begin({ ...described, id, ownerId: 'ada', filename: 'photo.jpg', mimeType: 'image/jpeg' });
    image.ready({ sizeBytes: bytes.length, sha256: '' }, facts, new Date());
    storage.objects.set(originalKey(id), bytes);
    store.rows.set(id, image);
    return image;
  };
  const keys = (): string[] => [...storage.objects.keys()].map((key) => key.split('/')[1] ?? '').sort();

  test('a hundred who ask at once for one that is missing cost one decode, and get the same', async () => {
    const shelf = new RenditionShelf(dependencies);
    const answers = await Promise.all(Array.from({ length: 100 }, () => shelf.open(asset, webp(192))));
    expect({ batches: tools.batches, pictures: tools.pictures, reads: storage.reads }).toEqual({
      batches: 1,
      pictures: 1,
      reads: 1,
    });
    expect(new Set(answers.map(({ bytes }) => bytes)).size).toBe(1);
    await shelf.settled();
    expect(keys()).toEqual(['original', 'w192-h128-inside.webp']);
  });

  test('different ones of an image asked for at once share one decode', async () => {
    const shelf = new RenditionShelf(dependencies);
    await Promise.all([384, 192, 96].map((width) => shelf.open(asset, webp(width))));
    expect({ batches: tools.batches, pictures: tools.pictures, reads: storage.reads }).toEqual({
      batches: 1,
      pictures: 3,
      reads: 1,
    });
    await shelf.settled();
    expect(keys()).toHaveLength(4);
  });

  test('one that is there costs no decode, and is looked up once', async () => {
    const former = new RenditionShelf(dependencies);
    await former.open(asset, webp(96));
    await former.settled();
    const later = new RenditionShelf(dependencies);
    const first = await later.open(asset, webp(96));
    expect(first.bytes).toBeUndefined();
    expect(await later.open(asset, webp(96))).toEqual(first);
    expect(tools.batches).toBe(1);
  });

  test('of two processes that make the same one, the slower takes over what the quicker stored', async () => {
    const [first, second] = [new RenditionShelf(dependencies), new RenditionShelf(dependencies)];
    const [one, other] = await Promise.all([first.open(asset, webp(96)), second.open(asset, webp(96))]);
    expect(tools.batches).toBe(2);
    await Promise.all([first.settled(), second.settled()]);
    expect(warnings).toEqual([]);
    expect(keys()).toHaveLength(2);
    const again = await second.open(asset, webp(96));
    expect(again.stored).toEqual(await storage.stat(one.key));
    expect(other.bytes?.length).toBeGreaterThan(0);
  });

  test('an asset that is deleted while one is being made answers NOT_FOUND and keeps nothing', async () => {
    const shelf = new RenditionShelf(dependencies);
    const opening = shelf.open(asset, webp(96));
    await store.startDeletion('ada', asset.id);
    await storage.removeAll(`${asset.id}/`);
    await expect(opening).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await shelf.settled();
    expect(keys()).toEqual([]);
  });

  test('an asset that is deleted while one is being stored keeps nothing', async () => {
    const shelf = new RenditionShelf(dependencies);
    storage.beforePut = async () => {
      await store.startDeletion('ada', asset.id);
      await storage.removeAll(`${asset.id}/`);
    };
    expect((await shelf.open(asset, webp(96))).bytes?.length).toBeGreaterThan(0);
    await shelf.settled();
    expect(keys()).toEqual([]);
    expect(store.rows.size).toBe(0);
  });

  test('one that cannot be stored is served all the same, and made again', async () => {
    const shelf = new RenditionShelf(dependencies);
    storage.beforePut = async () => {
      throw new Error('The disk is full');
    };
    expect((await shelf.open(asset, webp(96))).bytes?.length).toBeGreaterThan(0);
    await shelf.settled();
    expect(warnings).toEqual(['A rendition could not be stored; it will be made again']);
    storage.beforePut = undefined;
    expect((await shelf.open(asset, webp(96))).bytes?.length).toBeGreaterThan(0);
    await shelf.settled();
    expect(keys()).toHaveLength(2);
  });

  test('what fails is told to everybody who waits, and tried again by the next', async () => {
    const bytes = storage.objects.get(originalKey(asset.id)) ?? Buffer.alloc(0);
    storage.objects.delete(originalKey(asset.id));
    const shelf = new RenditionShelf(dependencies);
    const outcomes = await Promise.allSettled([96, 96, 192].map((width) => shelf.open(asset, webp(width))));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    storage.objects.set(originalKey(asset.id), bytes);
    await expect(shelf.open(asset, webp(96))).resolves.toBeDefined();
    await shelf.settled();
  });

  test('those made ahead are made in the background, one asset after the other', async () => {
    const shelf = new RenditionShelf(dependencies);
    const second = await imageOf(await jpeg({ width: 600, height: 400 }));
    for (const each of [asset, second]) shelf.prepare(each, [webp(96), webp(192)]);
    await shelf.settled();
    expect({ batches: tools.batches, pictures: tools.pictures }).toEqual({ batches: 2, pictures: 4 });
    expect(keys()).toHaveLength(6);
    expect(warnings).toEqual([]);
  });

  test('a small one is read once, and ranges of it come out of memory', async () => {
    const shelf = new RenditionShelf(dependencies);
    await shelf.open(asset, webp(96));
    await shelf.settled();
    const shelved = await shelf.open(asset, webp(96));
    const reads = storage.reads;
    const { signal } = new AbortController();
    const whole = await shelf.read(shelved, undefined, signal);
    if (!Buffer.isBuffer(whole)) throw new Error('A stream');
    expect(await shelf.read(shelved, undefined, signal)).toBe(whole);
    expect(await shelf.read(shelved, { start: 2, end: 5 }, signal)).toEqual(whole.subarray(2, 6));
    expect(storage.reads).toBe(reads + 1);
  });
});
