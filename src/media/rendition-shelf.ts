import { Readable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { MediakeepError } from '../errors.ts';
import { type ImageAsset, notFound } from './media-asset.ts';
import { keyPrefix } from './policy.ts';
import type { ByteRange, Clock, ImageTools, Log, MediaStore, ObjectStorage, PicturePlan, StoredObject } from './ports.ts';
import { pixelsOf, RenditionOrders } from './rendition-orders.ts';
import { pictureTypes, renditionFilename, renditionName } from './renditions.ts';
import { SmallFiles } from './small-files.ts';
import { OtherObject, wholeObject } from './whole-object.ts';

/** A rendition that exists. */
export interface Shelved {
  readonly key: string;
  readonly stored: StoredObject;
  /** The whole of it, when it was made a moment ago or is small. */
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
    const key = keyOf(asset, plan);
    return await this.#reach(key, () => this.#find(asset, plan, key));
  }

  /**
   * The same as {@link open}, to be answered by this server: a small one comes with its bytes. So what is told of it is true, even when an operator has cleared it
   * away since it was seen, or another process has made it anew: then it is opened once more.
   */
  async openToSend(asset: ImageAsset, plan: PicturePlan): Promise<Shelved> {
    const shelved = await this.open(asset, plan);
    try {
      return await this.#withBytes(shelved);
    } catch (error) {
      if (!isOutdated(error)) throw error;
      return await this.#withBytes(await this.open(asset, plan));
    }
  }

  /** Makes renditions in the background, one asset at a time, so that requests come first; past a thousand assets it leaves the rest to them. */
  prepare(asset: ImageAsset, plans: readonly PicturePlan[]): void {
    if (plans.length === 0 || this.#waitingInBackground >= mostInBackground) return;
    this.#waitingInBackground += 1;
    this.#background = this.#background.then(async () => {
      this.#waitingInBackground -= 1;
      try {
        await this.#makeTogether(asset, plans);
      } catch (error) {
        this.#with.log.warn({ err: error, assetId: asset.id }, 'A rendition could not be made ahead');
      }
    });
  }

  /** The bytes of a rendition, or those of `range`. Where {@link isOutdated} tells so of a failure, {@link open} finds or makes what is there now. */
  async read({ key, bytes }: Shelved, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable | Buffer> {
    if (bytes !== undefined) return range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
    try {
      return await this.#with.storage.read(key, { signal, ...(range && { range }) });
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

  /** What is under a key as far as this process knows, or else what `reach` comes to, for all who ask meanwhile. */
  async #reach(key: string, reach: () => Promise<Shelved>): Promise<Shelved> {
    const flight = this.#flights.get(key);
    if (flight !== undefined) return await flight;
    const stored = this.#known.get(key);
    if (stored !== undefined) return { key, stored };
    const opening = reach();
    this.#flights.set(key, opening);
    const land = (): void => void this.#flights.delete(key);
    // What is being stored is answered from memory until it is there.
    opening.then(({ bytes }) => bytes === undefined && land(), land);
    return await opening;
  }

  /** Adds the bytes of a small one, out of memory: reading a file costs as much as all the rest of a request. */
  async #withBytes(shelved: Shelved): Promise<Shelved> {
    const { key, stored, bytes } = shelved;
    const { storage } = this.#with;
    if (bytes !== undefined || stored.sizeBytes > smallBytes || storage.redirects) return shelved;
    // With the checksum, because what was cleared away and is made again by another version of the encoder is another file.
    const name = `${key} ${stored.crc32c}`;
    const held = this.#small.get(name);
    if (held !== undefined) return { key, stored, bytes: held };
    try {
      const whole = await wholeObject(storage, key, { sizeBytes: stored.sizeBytes, signal: AbortSignal.timeout(readPatienceMs) });
      if (crc32c(whole) !== stored.crc32c) throw new OtherObject();
      this.#small.keep(name, whole);
      return { key, stored, bytes: whole };
    } catch (error) {
      this.#known.forget(key);
      throw error;
    }
  }

  /** Makes those that are missing from one decode: it looks for all of them first, so that they are ordered at once, with room for the largest. */
  async #makeTogether(asset: ImageAsset, plans: readonly PicturePlan[]): Promise<void> {
    const looked = await Promise.all(plans.map(async (plan) => ({ plan, isThere: await this.#isThere(keyOf(asset, plan)) })));
    const missing = looked.filter(({ isThere }) => !isThere).map(({ plan }) => plan);
    const roomPixels = Math.max(0, ...missing.map(pixelsOf));
    const making = missing.map((plan) => {
      const key = keyOf(asset, plan);
      return this.#reach(key, () => this.#make(asset, plan, { key, roomPixels }));
    });
    // All of them, also when one fails: the next asset's come after these.
    await Promise.allSettled(making);
    await Promise.all(making);
  }

  async #isThere(key: string): Promise<boolean> {
    if (this.#known.get(key) !== undefined) return true;
    const stored = await this.#with.storage.stat(key, AbortSignal.timeout(statPatienceMs));
    if (stored !== undefined) this.#known.remember(key, stored);
    return stored !== undefined;
  }

  async #find(asset: ImageAsset, plan: PicturePlan, key: string): Promise<Shelved> {
    const stored = await this.#with.storage.stat(key, AbortSignal.timeout(statPatienceMs));
    if (stored === undefined) return await this.#make(asset, plan, { key });
    this.#known.remember(key, stored);
    return { key, stored };
  }

  async #make(asset: ImageAsset, plan: PicturePlan, { key, roomPixels }: { key: string; roomPixels?: number }): Promise<Shelved> {
    const bytes = await this.#orders.place(asset, plan, roomPixels);
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

/** Whether a failure to read a rendition tells that it is not the one that was seen, but was cleared away since, and perhaps made anew by another process. */
export function isOutdated(error: unknown): boolean {
  // A range that lies inside the one that was seen may lie outside of the new one.
  return (
    error instanceof OtherObject || error instanceof RangeError || (error instanceof MediakeepError && error.code === 'NOT_FOUND')
  );
}

function keyOf({ id }: ImageAsset, plan: PicturePlan): string {
  return `${keyPrefix(id)}${renditionName(plan)}`;
}

/** Objects that were seen a short while ago. They hardly ever change, and who asks for one of a deleted asset is turned away before. */
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
const readPatienceMs = 15_000;
const landingPatienceMs = 15_000;

/** Longer than a put may take. */
const expectSeconds = 60;
const putPatienceMs = 45_000;
