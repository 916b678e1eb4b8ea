import { Readable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { type ImageAsset, notFound } from './media-asset.ts';
import { keyPrefix } from './policy.ts';
import type { ByteRange, Clock, ImageTools, Log, MediaStore, ObjectStorage, PicturePlan, StoredObject } from './ports.ts';
import { RenditionOrders } from './rendition-orders.ts';
import { pictureTypes, renditionFilename, renditionName } from './renditions.ts';
import { SmallFiles } from './small-files.ts';
import { wholeObject } from './whole-object.ts';

/** A rendition that exists. */
export interface Shelved {
  readonly key: string;
  readonly stored: StoredObject;
  /** The whole of it, when it was made a moment ago. */
  readonly bytes?: Buffer;
}

export interface ShelfDependencies {
  readonly images: ImageTools;
  readonly storage: ObjectStorage;
  readonly store: MediaStore;
  readonly maxPixels: number;
  readonly clock: Clock;
  /** Removes what is left of an asset that is being deleted. */
  readonly purge: (id: string) => Promise<unknown>;
  readonly log: Log;
}

/** The renditions beside the originals: each made once, when it is first asked for, and kept. */
export class RenditionShelf {
  readonly #with: ShelfDependencies;
  readonly #orders: RenditionOrders;
  /** By key: what is being looked for, made or stored in this process. */
  readonly #flights = new Map<string, Promise<Shelved>>();
  /** What is being stored, and the asset it belongs to. */
  readonly #storing = new Map<Promise<void>, string>();
  readonly #known = new KnownObjects();
  readonly #small = new SmallFiles(smallFilesBytes);
  #background: Promise<unknown> = Promise.resolve();
  #waitingInBackground = 0;

  constructor(dependencies: ShelfDependencies) {
    this.#with = dependencies;
    this.#orders = new RenditionOrders(dependencies);
  }

  /**
   * A rendition of an asset in a public state, made if it is not there. Whoever asks meanwhile in this process gets the same; a second process may make it
   * too, and then keeps the first one's. NOT_FOUND when the asset is deleted meanwhile, OVERLOADED, STORAGE_UNAVAILABLE.
   */
  async open(asset: ImageAsset, plan: PicturePlan): Promise<Shelved> {
    const key = `${keyPrefix(asset.id)}${renditionName(plan)}`;
    const flight = this.#flights.get(key);
    if (flight !== undefined) return await flight;
    const stored = this.#known.get(key);
    if (stored !== undefined) return { key, stored };
    const opening = this.#find(asset, plan, key);
    this.#flights.set(key, opening);
    const land = (): void => void this.#flights.delete(key);
    // What is being stored is answered from memory until it is there.
    opening.then(({ bytes }) => bytes === undefined && land(), land);
    return await opening;
  }

  /** Makes renditions in the background, one asset at a time, so that requests come first; past a thousand assets it leaves the rest to them. */
  prepare(asset: ImageAsset, plans: readonly PicturePlan[]): void {
    if (plans.length === 0 || this.#waitingInBackground >= mostInBackground) return;
    this.#waitingInBackground += 1;
    this.#background = this.#background.then(async () => {
      this.#waitingInBackground -= 1;
      const made = await Promise.allSettled(plans.map((plan) => this.open(asset, plan)));
      const failed = made.find((each) => each.status === 'rejected');
      if (failed !== undefined)
        this.#with.log.warn({ err: failed.reason, assetId: asset.id }, 'A rendition could not be made ahead');
    });
  }

  /** The bytes of a rendition, or those of `range`. Small ones are answered from memory: reading a file costs as much as all the rest of a request. */
  async read({ key, stored, bytes }: Shelved, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable | Buffer> {
    const held = bytes ?? this.#small.get(key);
    if (held !== undefined) return range === undefined ? held : held.subarray(range.start, range.end + 1);
    try {
      const { storage } = this.#with;
      const { sizeBytes } = stored;
      if (range !== undefined || sizeBytes > smallBytes) return await storage.read(key, { signal, ...(range && { range }) });
      const whole = await wholeObject(storage, key, { sizeBytes, signal });
      this.#small.keep(key, whole);
      return whole;
    } catch (error) {
      // It may have been cleared away.
      this.#known.forget(key);
      throw error;
    }
  }

  /** Resolves when nothing is being made or stored any more. */
  async settled(): Promise<void> {
    await this.#background;
    await Promise.allSettled([...this.#flights.values()]);
    await Promise.all(this.#storing.keys());
  }

  /** Resolves when nothing of an asset is being stored any more by this process; after 15 s in any case. */
  async landed(id: string): Promise<void> {
    const storing = [...this.#storing].filter(([, assetId]) => assetId === id).map(([each]) => each);
    if (storing.length === 0) return;
    const { promise: patience, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, landingPatienceMs);
    await Promise.race([Promise.all(storing), patience]);
    clearTimeout(timer);
  }

  async #find(asset: ImageAsset, plan: PicturePlan, key: string): Promise<Shelved> {
    const stored = await this.#with.storage.stat(key, AbortSignal.timeout(statPatienceMs));
    if (stored === undefined) return await this.#make(asset, plan, key);
    this.#known.remember(key, stored);
    return { key, stored };
  }

  async #make(asset: ImageAsset, plan: PicturePlan, key: string): Promise<Shelved> {
    const bytes = await this.#orders.place(asset, plan);
    // The row of an asset that is deleted from here on stays until the object has come, and so is found by the sweep even if we crash.
    const until = await this.#with.store.expectObject(asset.id, expectSeconds);
    if (until === undefined) throw notFound();
    const storing = this.#keep(asset, plan, { key, bytes, until }).finally(() => {
      this.#storing.delete(storing);
      this.#flights.delete(key);
    });
    this.#storing.set(storing, asset.id);
    return { key, bytes, stored: { sizeBytes: bytes.length, crc32c: crc32c(bytes) } };
  }

  /** Stores what was made; leaves nothing of it when the asset was deleted meanwhile. Never rejects: whoever waits has the bytes already. */
  async #keep(asset: ImageAsset, plan: PicturePlan, made: { key: string; bytes: Buffer; until: Date }): Promise<void> {
    const { store, purge, log } = this.#with;
    try {
      const stored = await this.#put(asset, plan, made);
      if (await store.objectArrived(asset.id, made.until)) this.#known.remember(made.key, stored);
      else await purge(asset.id);
    } catch (error) {
      log.warn({ err: error, assetId: asset.id }, 'A rendition could not be stored; it will be made again');
    }
  }

  /** Another process may have been quicker: then its object counts. */
  async #put(asset: ImageAsset, plan: PicturePlan, { key, bytes }: { key: string; bytes: Buffer }): Promise<StoredObject> {
    const signal = AbortSignal.timeout(putPatienceMs);
    try {
      return await this.#with.storage.put(key, Readable.from([bytes], { objectMode: false }), {
        contentType: pictureTypes[plan.format],
        filename: renditionFilename(asset.filename, plan.format),
        metadata: { assetId: asset.id, owner: asset.ownerId },
        signal,
      });
    } catch (error) {
      const winner = await this.#with.storage.stat(key, AbortSignal.timeout(statPatienceMs));
      if (winner === undefined) throw error;
      return winner;
    }
  }
}

/** Objects that were seen a short while ago. They never change, and who asks for one of a deleted asset is turned away before. */
class KnownObjects {
  readonly #seen = new Map<string, { readonly stored: StoredObject; readonly untilMs: number }>();

  get(key: string): StoredObject | undefined {
    const seen = this.#seen.get(key);
    if (seen === undefined || seen.untilMs > Date.now()) return seen?.stored;
    this.#seen.delete(key);
    return undefined;
  }

  remember(key: string, stored: StoredObject): void {
    this.#seen.set(key, { stored, untilMs: Date.now() + rememberMs });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > mostRemembered && oldest !== undefined) this.#seen.delete(oldest);
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

/** A bucket takes tens of milliseconds to tell whether an object is there. Not for ever, because an operator may clear renditions away. */
const rememberMs = 5 * 60 * 1000;

/** About 300 bytes each. */
const mostRemembered = 20_000;

/** Assets whose renditions wait to be made ahead. */
const mostInBackground = 1000;

/** What is small, and how much of it is kept: some hundred thumbnails. Everything else is streamed. */
const smallBytes = 128 * 1024;
const smallFilesBytes = 32 * 1024 * 1024;

const statPatienceMs = 15_000;
const landingPatienceMs = 15_000;

/** Longer than a put may take. */
const expectSeconds = 60;
const putPatienceMs = 45_000;
