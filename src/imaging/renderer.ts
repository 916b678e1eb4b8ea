import { MediakeepError } from '../errors.ts';
import { freeAtOnce } from '../garbage.ts';
import type { ImageTools, PictureOrder, PicturePlan, PictureSource } from '../media/ports.ts';
import type { Admission } from './admission.ts';
import { asStillAvif } from './avif.ts';
import { KeptPixels, suffice } from './kept-pixels.ts';
import { decodePixels, encodeAnimation, encodePicture, renderSeconds, type Size, scaledSize, scalePixels } from './pictures.ts';
import type { Pixels } from './pixels.ts';
import { sharp } from './sharp.ts';
import { outlineOf } from './structure.ts';

type Orders = Parameters<ImageTools['render']>[1];

/** Makes pictures of images: one decode for all that are ordered of an image, admitted by the same door as inspections. */
export class Renderer {
  readonly #admission: Admission;
  readonly #animationPixels: number;
  readonly #kept = new KeptPixels({ budgetBytes: 64 * 1024 * 1024, keepSeconds: 10 });

  /** `animationPixels`: an animation stays one up to here, in pixels of all frames as they are encoded; beyond, its first frame has to do. */
  constructor(admission: Admission, options: { animationPixels: number }) {
    this.#admission = admission;
    this.#animationPixels = options.animationPixels;
  }

  /** See {@link ImageTools.render}. Of what waits for admission no byte is in memory. */
  async render(image: PictureSource, { largestPixels, take, signal }: Orders): Promise<void> {
    const pixels = heldPixels(image, largestPixels);
    await this.#admission.run({ pixels, signal, line: 'renditions' }, () => this.#fill(image, take, signal));
  }

  /** Ends only when nothing of the image is being read any more, and so can free what it held. */
  async #fill(image: PictureSource, take: Orders['take'], signal: AbortSignal): Promise<void> {
    const file = new File(image, signal);
    const held: Pixels[] = [];
    try {
      await this.#fillFrom(file, take, held);
    } finally {
      for (const pixels of held) pixels.letGo();
      await file.free();
    }
  }

  /** Adds to `held` whatever pixels it comes to hold. */
  async #fillFrom(file: File, take: Orders['take'], held: Pixels[]): Promise<void> {
    const { image } = file;
    const kept = this.#kept.get(image.id);
    if (kept !== undefined) held.push(kept);
    // While the file is on its way, more orders may come.
    else await file.bytes();
    // Small ones first: who waits for a thumbnail should not wait for a large AVIF.
    const orders = take().toSorted((a, b) => costOf(a.plan) - costOf(b.plan));
    const animations = await file.animationsOf(orders, this.#animationPixels);
    const stills = orders.filter((order) => !animations.includes(order));
    const sources = stills.length > 0 ? await this.#sourcesFor(file, stills, { kept, held }) : undefined;
    for (const order of orders) {
      const pixels = sources?.get(order);
      await fill(order, async () =>
        pixels === undefined
          ? await encodeAnimation(await file.bytes(), image, order.plan, image)
          : await encodePicture(pixels, image, order.plan),
      );
    }
  }

  /** The pixels that each order is to be made of. */
  async #sourcesFor(
    file: File,
    orders: readonly PictureOrder[],
    { kept, held }: { kept: Pixels | undefined; held: Pixels[] },
  ): Promise<ReadonlyMap<PictureOrder, Pixels>> {
    const needed = largest(orders.map(({ plan }) => scaledSize(file.image, plan)));
    if (suffice(kept, needed)) return await cascade(kept, file.image, orders, held);
    // Of a new image, or after a second size of one within seconds, more are to be expected: they will not need decodes of their own.
    const isPopular = file.image.isNew || kept !== undefined;
    const size = isPopular ? largest([needed, withinWidth(file.image, commonWidth)]) : needed;
    const pixels = await decodePixels(await file.bytes(), size, file.image);
    held.push(pixels);
    this.#kept.keep(file.image.id, pixels);
    return await cascade(pixels, file.image, orders, held);
  }
}

/** The width of a decode that serves most sizes of a page, in pixels. */
const commonWidth = 1600;

/**
 * The pixels for each order, scaled, and added to `held`. Each size comes out of one at least twice as large, or else out of what was decoded: so a small one
 * does not cost what reading a large one costs, and none is scaled again and again by a little, which would blur it. Together they are at most as large as
 * what was decoded: where there is no more room, an order gets what its size would have come out of, and is scaled while it is encoded.
 */
async function cascade(
  decoded: Pixels,
  image: Size,
  orders: readonly PictureOrder[],
  held: Pixels[],
): Promise<ReadonlyMap<PictureOrder, Pixels>> {
  const sources = new Map<PictureOrder, Pixels>();
  const levels = [decoded];
  let room = decoded.width * decoded.height;
  for (const order of orders.toSorted((a, b) => scaledSize(image, b.plan).width - scaledSize(image, a.plan).width)) {
    const size = scaledSize(image, order.plan);
    const same = levels.find((level) => level.width === size.width && level.height === size.height);
    const source = levels.findLast((level) => level.width >= 2 * size.width && level.height >= 2 * size.height) ?? decoded;
    const fits = size.width * size.height <= room;
    const pixels = same ?? (fits ? await scalePixels(source, size) : source);
    if (same === undefined && fits) {
      levels.push(pixels);
      held.push(pixels);
      room -= size.width * size.height;
    }
    sources.set(order, pixels);
  }
  return sources;
}

/** An image's file, read when it is needed and once. */
class File {
  readonly image: PictureSource;
  readonly #signal: AbortSignal;
  #bytes: Promise<Buffer> | undefined;

  constructor(image: PictureSource, signal: AbortSignal) {
    this.image = image;
    this.#signal = signal;
  }

  bytes(): Promise<Buffer> {
    const isAvif = this.image.mimeType === 'image/avif';
    this.#bytes ??= this.image.read(this.#signal).then((bytes) => (isAvif ? asStillAvif(bytes) : bytes));
    return this.#bytes;
  }

  /** Frees the bytes, once nobody reads them. */
  async free(): Promise<void> {
    const bytes = await this.#bytes?.catch(() => undefined);
    if (bytes !== undefined) freeAtOnce(bytes);
  }

  /** Those orders that get all frames. libvips moves GIF and WebP only, and turns no animation. */
  async animationsOf(orders: readonly PictureOrder[], mostPixels: number): Promise<readonly PictureOrder[]> {
    const { animated, mimeType } = this.image;
    const moving = orders.filter(({ plan }) => plan.format === 'WEBP');
    if (!animated || moving.length === 0 || !/^image\/(gif|webp)$/.test(mimeType)) return [];
    const bytes = await this.bytes();
    const { frames } = outlineOf(bytes, mimeType);
    const { orientation = 1 } = await sharp(bytes).metadata();
    if (orientation !== 1) return [];
    return moving.filter(({ plan }) => plan.width * plan.height * frames <= mostPixels);
  }
}

async function fill(order: PictureOrder, make: () => Promise<Buffer>): Promise<void> {
  try {
    order.deliver(await make());
  } catch (error) {
    order.fail(tooSlow(error) ?? error);
  }
}

function tooSlow(error: unknown): MediakeepError | undefined {
  if (!/\btimeout\b/i.test(String(error))) return undefined;
  const message = `The picture could not be made within ${renderSeconds} seconds. Please try again later.`;
  return new MediakeepError('OVERLOADED', message, { cause: error, retryAfterSeconds: renderSeconds });
}

function costOf({ width, height, format }: PicturePlan): number {
  return width * height * (format === 'AVIF' ? 4 : 1);
}

function largest(sizes: readonly Size[]): Size {
  return { width: Math.max(...sizes.map(({ width }) => width)), height: Math.max(...sizes.map(({ height }) => height)) };
}

function withinWidth({ width, height }: Size, most: number): Size {
  const scale = Math.min(1, most / width);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * What making pictures holds in memory, in pixels of 4 bytes, told before a byte is read, so for the worse case: a JPEG that is turned or progressive,
 * a PNG that is interlaced, the canvases of a GIF, the planes of an AVIF (see {@link Outline}); and what was decoded, twice while it is encoded.
 */
function heldPixels({ mimeType, width, height }: PictureSource, largestPixels: number): number {
  const decoded = width * height * (heldPerPixel[mimeType] ?? 2);
  return decoded + 3 * Math.max(largestPixels, commonWidth * Math.min(height, (commonWidth * height) / width));
}

const heldPerPixel: Readonly<Record<string, number>> = {
  'image/jpeg': 0.5,
  'image/png': 1,
  'image/webp': 1,
  'image/gif': 2,
  'image/avif': 4,
};
