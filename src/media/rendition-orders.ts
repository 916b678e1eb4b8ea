import type { ImageAsset } from './media-asset.ts';
import { originalKey } from './policy.ts';
import type { Clock, ImageTools, ObjectStorage, PictureOrder, PicturePlan, PictureSource } from './ports.ts';
import { wholeObject } from './whole-object.ts';

/**
 * Orders for pictures of the same image are filled together, from one decode: those that arrive while the first is waiting for its turn, or for
 * the original to be read. A page that asks for three sizes at once costs little more than for the largest.
 */
export class RenditionOrders {
  readonly #images: ImageTools;
  readonly #storage: ObjectStorage;
  readonly #maxPixels: number;
  readonly #clock: Clock;
  /** By asset: what has not begun to be decoded. */
  readonly #open = new Map<string, { readonly orders: PictureOrder[]; readonly largestPixels: number }>();

  constructor(options: { images: ImageTools; storage: ObjectStorage; maxPixels: number; clock: Clock }) {
    this.#clock = options.clock;
    this.#images = options.images;
    this.#storage = options.storage;
    this.#maxPixels = options.maxPixels;
  }

  /**
   * The picture, made. OVERLOADED when there is no room to decode now, NOT_FOUND when the original is gone, STORAGE_UNAVAILABLE. `roomPixels`: as large are the
   * orders that are about to follow, so that they join this one.
   */
  place(asset: ImageAsset, plan: PicturePlan, roomPixels = 0): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const order = { plan, deliver: resolve, fail: reject };
    const batch = this.#open.get(asset.id);
    const pixels = pixelsOf(plan);
    if (batch !== undefined && pixels <= batch.largestPixels) batch.orders.push(order);
    else this.#begin(asset, order, Math.max(pixels, usualPixels(asset), roomPixels));
    return promise;
  }

  #begin(asset: ImageAsset, first: PictureOrder, largestPixels: number): void {
    const batch = { orders: [first], largestPixels };
    this.#open.set(asset.id, batch);
    const take = (): readonly PictureOrder[] => {
      if (this.#open.get(asset.id) === batch) this.#open.delete(asset.id);
      return batch.orders;
    };
    const orders = { largestPixels, take, signal: AbortSignal.timeout(renderPatienceMs) };
    this.#images.render(this.#sourceOf(asset), orders).catch((error: unknown) => {
      for (const order of take()) order.fail(error);
    });
  }

  #sourceOf({ id, mimeType, width, height, animated, createdAt, sizeBytes }: ImageAsset): PictureSource {
    if (width === null || height === null) throw new Error(`The image ${id} has no size`);
    const read = (signal: AbortSignal): Promise<Buffer> => wholeObject(this.#storage, originalKey(id), { sizeBytes, signal });
    const isNew = this.#clock().getTime() - createdAt.getTime() < newForMs;
    return { id, mimeType, width, height, animated, isNew, maxPixels: this.#maxPixels, read };
  }
}

/** How many pixels a picture has. */
export function pixelsOf({ width, height }: PicturePlan): number {
  return width * height;
}

/**
 * Room that every batch reserves, so that most sizes of a page can join it: for all of the image at 1920 pixels of width, and for a crop of it as high as it is wide.
 * Of what is more than twice as high as it is wide it reserves no more than that, and of a small image no more than there is.
 */
function usualPixels({ width, height }: ImageAsset): number {
  if (width === null || height === null) return 0;
  const shape = Math.min(2, Math.max(1, height / width));
  // Rounded up as a height is, or the very picture that is 1920 wide could have some pixels too many.
  return Math.min(width * height, usualWidth * Math.ceil(usualWidth * shape));
}

const usualWidth = 1920;

/** In the minute after an upload, clients ask for what they are about to show. */
const newForMs = 60_000;

/** Waiting for a turn, reading and making, in milliseconds. */
const renderPatienceMs = 120_000;
