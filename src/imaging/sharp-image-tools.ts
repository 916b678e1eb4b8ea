import { availableParallelism } from 'node:os';
import { MediakeepError } from '../errors.ts';
import type { ImageFacts } from '../media/media-asset.ts';
import type { ImageTools, PictureSource } from '../media/ports.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { asStillAvif } from './avif.ts';
import { cutLocation } from './location/cut.ts';
import type { Outline } from './outline.ts';
import { Renderer } from './renderer.ts';
import { sharp } from './sharp.ts';
import { factsOfStill, type Still } from './still.ts';
import { outlineOf } from './structure.ts';

/** What one inspection is about. */
interface Subject {
  readonly bytes: Buffer;
  readonly mimeType: string;
  readonly maxPixels: number;
  readonly outline: Outline;
}

/**
 * {@link ImageTools} on sharp. An image is walked to its end, held against the pixel limit, and then decoded once into 48 pixels, which reads all of
 * it: every coefficient of a JPEG (at an eighth of its size), every row of a PNG, every frame of a GIF or WebP. Of an animated PNG and an
 * AVIF sequence only the still picture is decoded, because libvips knows no more of them.
 */
export class SharpImageTools implements ImageTools {
  readonly #admission: Admission;
  readonly #renderer: Renderer;

  /**
   * Defaults: as many decodes at once as there are cores, at least 2; 100 million pixels in flight, about 400 MB; 64 uploads
   * waiting for 10 seconds each, and 512 renditions for 30.
   * What is counted is what a decode holds, see {@link Outline}: a 24-megapixel photo counts as 0.4 million, an AVIF as four times its size.
   * Animations of up to 50 million pixels in all frames, as they are encoded (about 3 s of CPU), stay animations in {@link render}.
   */
  constructor({ animationPixels = 50_000_000, ...limits }: Partial<AdmissionLimits & { animationPixels: number }> = {}) {
    this.#admission = new Admission({
      concurrency: Math.max(2, availableParallelism()),
      pixelBudget: 100_000_000,
      queueLength: 64,
      queueSeconds: 10,
      renditionQueueLength: 512,
      renditionQueueSeconds: 30,
      ...limits,
    });
    this.#renderer = new Renderer(this.#admission, { animationPixels });
  }

  /** See {@link ImageTools.inspect}. A decode of more than 30 seconds is OVERLOADED too. A `signal` that is no timeout is rethrown as it came. */
  async inspect(
    bytes: Buffer,
    { mimeType, maxPixels, signal }: { mimeType: string; maxPixels: number; signal: AbortSignal },
  ): Promise<ImageFacts> {
    if (bytes.length === 0) throw new MediakeepError('INVALID_MEDIA', 'The file is empty.');
    const outline = outlineOf(bytes, mimeType);
    assertPixels(outline, maxPixels);
    const subject = { bytes: mimeType === 'image/avif' ? asStillAvif(bytes) : bytes, mimeType, maxPixels, outline };
    return await this.#admission.run({ pixels: outline.decodedPixels, signal }, async () => {
      const { width, height, orientation = 1 } = await uprightSize(subject);
      const still = await prove(subject);
      return { width, height, animated: outline.frames > 1, ...factsOfStill(still, orientation) };
    });
  }

  /** See {@link ImageTools.cutLocation}. */
  cutLocation(bytes: Buffer, mimeType: string): boolean {
    return cutLocation(bytes, mimeType);
  }

  /** See {@link ImageTools.render}. */
  async render(image: PictureSource, orders: Parameters<ImageTools['render']>[1]): Promise<void> {
    await this.#renderer.render(image, orders);
  }
}

/** The types this build of libvips can really decode; for `npm run doctor`. */
export function supportedImageTypes(): string[] {
  const { jpeg, png, webp, gif, heif } = sharp.format;
  const loaders = { 'image/jpeg': jpeg, 'image/png': png, 'image/webp': webp, 'image/gif': gif, 'image/avif': heif };
  return Object.entries(loaders)
    .filter(([, loader]) => loader.input.buffer)
    .map(([type]) => type);
}

/** How long one decode may take. 100 million pixels of AVIF, the slowest, take about 5 seconds of one core. */
const decodeSeconds = 30;

/**
 * The side of the box a decode ends in: more than eight times smaller than any photo, so that JPEG is shrunk on loading. Its ThumbHash is the same as
 * that of 100 pixels to the eye, and costs 0.15 ms instead of 1.3.
 */
const stillSide = 48;

/** Of an animation all frames end in memory together, and ten thousand of them must not weigh more than the picture itself. */
const stillPixels = 1_000_000;
const leastSide = 4;

function assertPixels({ width, height, frames }: Outline, maxPixels: number): void {
  if (width === 0 || height === 0)
    throw new MediakeepError('INVALID_MEDIA', 'The image is damaged: it has no width or no height.');
  const pixels = width * height * frames;
  if (pixels <= maxPixels) return;
  const found = frames === 1 ? `${width} x ${height}` : `${frames} frames of ${width} x ${height}`;
  throw new MediakeepError('INVALID_MEDIA', `The image has ${pixels} pixels (${found}); at most ${maxPixels} are allowed.`);
}

/** The size after turning. The decoder is asked only where it may differ from the outline: that costs a tenth of decoding a small photo. */
async function uprightSize({
  bytes,
  maxPixels,
  outline,
}: Subject): Promise<{ width: number; height: number; orientation?: number }> {
  if (!outline.sizeIsTentative) return { width: outline.width, height: outline.height };
  try {
    const { autoOrient, orientation = 1 } = await sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels }).metadata();
    return { ...autoOrient, orientation };
  } catch (error) {
    throw undecodable(error);
  }
}

/** Decodes all of the image, into a small one. INVALID_MEDIA when that fails, OVERLOADED when it takes too long. */
async function prove(subject: Subject): Promise<Still> {
  try {
    // libjpeg fills what is missing with grey and only warns; but it warns of harmless oddities of cameras and scanners too.
    const still = subject.mimeType === 'image/jpeg' ? await decodeWarily(subject) : undefined;
    return still ?? (await decode(subject, 'error'));
  } catch (error) {
    throw isTimeout(error) ? tooSlow(error) : undecodable(error);
  }
}

/** A JPEG that decodes without a warning, or else undefined. Rejects when it does not decode, or when a warning says that picture data is missing or wrong. */
async function decodeWarily(subject: Subject): Promise<Still | undefined> {
  try {
    return await decode(subject, 'warning');
  } catch (error) {
    if (isTimeout(error) || damageWarnings.test(String(error))) throw error;
    return undefined;
  }
}

/** Of libjpeg's warnings (jerror.h), those that say that picture data is missing or wrong. */
const damageWarnings = /premature end|bad huffman code|bad arithmetic code|instead of RST/i;

async function decode({ bytes, maxPixels, outline }: Subject, failOn: 'warning' | 'error'): Promise<Still> {
  const side = Math.min(stillSide, Math.max(leastSide, Math.floor(Math.sqrt(stillPixels / outline.frames))));
  const { data, info } = await sharp(bytes, {
    failOn,
    limitInputPixels: maxPixels,
    sequentialRead: true,
    animated: outline.frames > 1,
  })
    .timeout({ seconds: decodeSeconds })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  // The first frame, of those that lie one below the other.
  const height = info.pageHeight ?? info.height;
  return { data: data.subarray(0, info.width * height * info.channels), width: info.width, height, channels: info.channels };
}

function isTimeout(error: unknown): boolean {
  return /\btimeout\b/i.test(String(error));
}

function tooSlow(cause: unknown): MediakeepError {
  const message = `The image could not be decoded within ${decodeSeconds} seconds. Please try again later.`;
  return new MediakeepError('OVERLOADED', message, { cause, retryAfterSeconds: decodeSeconds });
}

/** INVALID_MEDIA that keeps libvips' text to itself. */
function undecodable(cause: unknown): MediakeepError {
  return new MediakeepError('INVALID_MEDIA', 'The image is damaged: it could not be decoded.', { cause });
}
