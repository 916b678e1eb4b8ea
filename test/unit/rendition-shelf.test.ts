import { beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import { v7 as uuidv7 } from 'uuid';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { ImageAsset } from '../../src/media/media-asset.ts';
import { originalKey } from '../../src/media/policy.ts';
import type { ImageTools, Log, PicturePlan } from '../../src/media/ports.ts';
import { isOutdated, RenditionShelf, type ShelfDependencies } from '../../src/media/rendition-shelf.ts';
import { plansAhead } from '../../src/media/renditions.ts';
import { jpeg } from '../support/media/pictures.ts';
import { headerOnlyImages, MemoryStorage, MemoryStore } from '../support/memory.ts';

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
  /** How often it was asked for anything but to store. */
  asked = 0;
  beforePut: (() => Promise<void>) | undefined;
  beforeStat: (() => Promise<void>) | undefined;

  override async read(...args: Parameters<MemoryStorage['read']>): ReturnType<MemoryStorage['read']> {
    this.reads += 1;
    this.asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await super.read(...args);
  }

  override async stat(key: string): ReturnType<MemoryStorage['stat']> {
    this.asked += 1;
    await this.beforeStat?.();
    return await super.stat(key);
  }

  override async scan(...args: Parameters<MemoryStorage['scan']>): ReturnType<MemoryStorage['scan']> {
    this.reads += 1;
    this.asked += 1;
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
    asset = await imageOf({ width: 600, height: 400 });
  });

  const imageOf = async (size: { width: number; height: number }): Promise<ImageAsset> => {
    const bytes = await jpeg(size);
    const id = uuidv7();
    const facts = { ...size, animated: false, hasAlpha: false, placeholder: '', dominantColor: null };
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
    const second = await imageOf({ width: 600, height: 400 });
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
    const { asked } = storage;
    const { signal } = new AbortController();
    const whole = await shelf.read(await shelf.openToSend(asset, webp(96)), undefined, signal);
    if (!Buffer.isBuffer(whole)) throw new Error('A stream');
    const again = await shelf.openToSend(asset, webp(96));
    expect(await shelf.read(again, undefined, signal)).toBe(whole);
    expect(await shelf.read(again, { start: 2, end: 5 }, signal)).toEqual(whole.subarray(2, 6));
    expect(storage.asked).toBe(asked + 1);
  });

  /** A shelf whose pictures cost nothing, for images of any size, and how much room each of its batches reserved. */
  const cheapShelf = (): { shelf: RenditionShelf; rooms: number[] } => {
    const rooms: number[] = [];
    const render: ImageTools['render'] = async (image, orders) => {
      rooms.push(orders.largestPixels);
      await headerOnlyImages.render(image, orders);
    };
    return { shelf: new RenditionShelf({ ...dependencies, images: { ...headerOnlyImages, render } }), rooms };
  };
  const imageOfSize = async (size: { width: number; height: number }): Promise<ImageAsset> =>
    Object.assign(await imageOf({ width: 60, height: 40 }), size);

  test.each([
    ['a portrait', { width: 2268, height: 4032 }, [320, 1600]],
    ['a portrait', { width: 2267, height: 4033 }, [320, 1920]],
    ['a tall screenshot', { width: 1920, height: 3840 }, [320, 1920]],
    ['a landscape', { width: 4032, height: 3024 }, [320, 1920]],
  ])('a page that asks for sizes of %s, %o, in widths %p has them from one decode', async (_name, size, widths) => {
    const image = await imageOfSize(size);
    const { shelf, rooms } = cheapShelf();
    await Promise.all(plansAhead(image, widths).map((plan) => shelf.open(image, plan)));
    await shelf.settled();
    expect({ batches: rooms.length, reads: storage.reads }).toEqual({ batches: 1, reads: 1 });
    expect(keys()).toHaveLength(4);
  });

  test.each([
    [{ width: 4032, height: 3024 }, [320, 2560]],
    [{ width: 4032, height: 3024 }, [384, 1280, 3840]],
    [{ width: 2268, height: 4032 }, [320, 1600]],
    [{ width: 600, height: 6000 }, [64, 512]],
  ])('those made ahead of %o in widths %p come from one decode, however late each is missed', async (size, widths) => {
    const image = await imageOfSize(size);
    let patienceMs = 0;
    storage.beforeStat = async () => {
      patienceMs += 40;
      await new Promise((resolve) => setTimeout(resolve, patienceMs));
    };
    const { shelf, rooms } = cheapShelf();
    shelf.prepare(image, plansAhead(image, widths));
    await shelf.settled();
    expect({ batches: rooms.length, reads: storage.reads, warnings }).toEqual({ batches: 1, reads: 1, warnings: [] });
    expect(keys()).toHaveLength(2 + widths.length);
  });

  test('of those to make ahead, what is there already is not made again', async () => {
    const former = new RenditionShelf(dependencies);
    await former.open(asset, webp(96));
    await former.settled();
    const later = new RenditionShelf(dependencies);
    later.prepare(asset, [webp(96), webp(192)]);
    await later.settled();
    expect({ batches: tools.batches, pictures: tools.pictures, warnings }).toEqual({ batches: 2, pictures: 2, warnings: [] });
  });

  test('a storage that does not answer when some are to be made ahead is told, and does not keep the next from it', async () => {
    const shelf = new RenditionShelf(dependencies);
    storage.beforeStat = async () => {
      storage.beforeStat = undefined;
      throw new Error('The storage is away');
    };
    for (let round = 0; round < 2; round += 1) shelf.prepare(asset, [webp(96)]);
    await shelf.settled();
    expect(warnings).toEqual(['A rendition could not be made ahead']);
    expect(keys()).toHaveLength(2);
  });

  test('a batch reserves no more than a small image has, and of a strip no more than twice its square', async () => {
    const { shelf, rooms } = cheapShelf();
    for (const size of [
      { width: 600, height: 400 },
      { width: 4032, height: 3024 },
      { width: 3000, height: 30_000 },
    ]) {
      await shelf.open(await imageOfSize(size), webp(96));
    }
    await shelf.settled();
    expect(rooms).toEqual([600 * 400, 1920 * 1920, 2 * 1920 * 1920]);
  });

  describe('that an operator clears away, after it was seen', () => {
    const key = () => `${asset.id}/w96-h64-inside.webp`;
    let shelf: RenditionShelf;

    beforeEach(async () => {
      shelf = new RenditionShelf(dependencies);
      await shelf.open(asset, webp(96));
      await shelf.settled();
    });

    test('are made again before it is told of them', async () => {
      const former = storage.objects.get(key());
      storage.objects.delete(key());
      const shelved = await shelf.openToSend(asset, webp(96));
      expect(shelved.bytes).toEqual(former);
      await shelf.settled();
      expect(storage.objects.get(key())).toEqual(former);
      expect(tools.batches).toBe(2);
    });

    test.each([
      ['longer', (former: Buffer) => Buffer.concat([former, former])],
      ['shorter', (former: Buffer) => former.subarray(1)],
      ['as long', (former: Buffer) => Buffer.from(former).fill(1, 0, 1)],
    ])('and another process makes anew, %s than before, are told of as they are now', async (_name, anew) => {
      const bytes = anew(storage.objects.get(key()) ?? Buffer.alloc(0));
      storage.objects.set(key(), bytes);
      const shelved = await shelf.openToSend(asset, webp(96));
      expect(shelved).toEqual({ key: key(), bytes, stored: { sizeBytes: bytes.length, crc32c: crc32c(bytes) } });
    });

    test('and are seen anew with other bytes, are not answered with those in memory', async () => {
      const former = await shelf.openToSend(asset, webp(96));
      const bytes = Buffer.alloc(20, 1);
      storage.objects.delete(key());
      // Nothing else lets a process look again before its five minutes are over.
      await shelf.read({ key: key(), stored: former.stored }, undefined, new AbortController().signal).catch(() => undefined);
      storage.objects.set(key(), bytes);
      expect((await shelf.openToSend(asset, webp(96))).bytes).toEqual(bytes);
    });

    test('tell that they are outdated when they are streamed', async () => {
      const shelved = await shelf.open(asset, webp(96));
      storage.objects.delete(key());
      const failure = await shelf.read(shelved, undefined, new AbortController().signal).catch((error: unknown) => error);
      expect(isOutdated(failure)).toBe(true);
      expect((await shelf.open(asset, webp(96))).bytes).toBeDefined();
      await shelf.settled();
    });
  });

  test('the storage that is redirected to is not read', async () => {
    const elsewhere = new RenditionShelf({ ...dependencies, storage: Object.assign(storage, { redirects: true }) });
    await elsewhere.open(asset, webp(96));
    await elsewhere.settled();
    const { asked } = storage;
    expect((await elsewhere.openToSend(asset, webp(96))).bytes).toBeUndefined();
    expect(storage.asked).toBe(asked);
  });
});
