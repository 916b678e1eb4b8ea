import { availableParallelism } from 'node:os';
import { MediakeepError } from '../errors.ts';
import type { ImageFacts } from '../media/media-asset.ts';
import type { ImageTools } from '../media/ports.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { asStillAvif } from './avif.ts';
import type { Outline } from './outline.ts';
import { sharp } from './sharp.ts';
import { outlineOf } from './structure.ts';

/** What one inspection is about. */
interface Subject {
  readonly bytes: Buffer;
  readonly mimeType: string;
  readonly maxPixels: number;
  readonly outline: Outline;
}

/**
 * {@link ImageTools} on sharp. An image is walked to its end, held against the pixel limit, and then decoded once into 100 pixels, which reads all of
 * it: every coefficient of a JPEG (at an eighth of its size), every row of a PNG, every frame of a GIF or WebP. Of an animated PNG and an
 * AVIF sequence only the still picture is decoded, because libvips knows no more of them.
 */
export class SharpImageTools implements ImageTools {
  readonly #admission: Admission;

  /**
   * Defaults: as many decodes at once as there are cores, at least 2; 100 million pixels in flight, about 400 MB; 64 waiting, each for 10 seconds.
   * What is counted is what a decode holds, see {@link Outline}: a 24-megapixel photo counts as 0.4 million, an AVIF as four times its size.
   */
  constructor(limits: Partial<AdmissionLimits> = {}) {
    this.#admission = new Admission({
      concurrency: Math.max(2, availableParallelism()),
      pixelBudget: 100_000_000,
      queueLength: 64,
      queueSeconds: 10,
      ...limits,
    });
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
      const { width, height } = await uprightSize(subject);
      await prove(subject);
      return { width, height, animated: outline.frames > 1 };
    });
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

/** The side of the box a decode ends in: what a ThumbHash wants, and more than eight times smaller than any photo, so that JPEG is shrunk on loading. */
const stillSide = 100;

/** Of an animation all frames end in memory together, and ten thousand of them must not weigh more than the picture itself. */
const frameSide = 4;

function assertPixels({ width, height, frames }: Outline, maxPixels: number): void {
  if (width === 0 || height === 0)
    throw new MediakeepError('INVALID_MEDIA', 'The image is damaged: it has no width or no height.');
  const pixels = width * height * frames;
  if (pixels <= maxPixels) return;
  const found = frames === 1 ? `${width} x ${height}` : `${frames} frames of ${width} x ${height}`;
  throw new MediakeepError('INVALID_MEDIA', `The image has ${pixels} pixels (${found}); at most ${maxPixels} are allowed.`);
}

/** The size after turning. The decoder is asked only where it may differ from the outline: that costs a tenth of decoding a small photo. */
async function uprightSize({ bytes, maxPixels, outline }: Subject): Promise<{ width: number; height: number }> {
  if (!outline.sizeIsTentative) return outline;
  try {
    return (await sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels }).metadata()).autoOrient;
  } catch (error) {
    throw undecodable(error);
  }
}

/** Decodes all of the image. INVALID_MEDIA when that fails, OVERLOADED when it takes too long. */
async function prove(subject: Subject): Promise<void> {
  try {
    // libjpeg fills what is missing with grey and only warns; but it warns of harmless oddities of cameras and scanners too.
    if (subject.mimeType !== 'image/jpeg' || !(await decodeWarily(subject))) await decode(subject, 'error');
  } catch (error) {
    throw isTimeout(error) ? tooSlow(error) : undecodable(error);
  }
}

/** Whether a JPEG decodes without a warning. Rejects when it does not decode, or when a warning says that picture data is missing or wrong. */
async function decodeWarily(subject: Subject): Promise<boolean> {
  try {
    await decode(subject, 'warning');
    return true;
  } catch (error) {
    if (isTimeout(error) || damageWarnings.test(String(error))) throw error;
    return false;
  }
}

/** Of libjpeg's warnings (jerror.h), those that say that picture data is missing or wrong. */
const damageWarnings = /premature end|bad huffman code|bad arithmetic code|instead of RST/i;

async function decode({ bytes, maxPixels, outline }: Subject, failOn: 'warning' | 'error'): Promise<void> {
  const side = outline.frames > 1 ? frameSide : stillSide;
  await sharp(bytes, { failOn, limitInputPixels: maxPixels, sequentialRead: true, animated: outline.frames > 1 })
    .timeout({ seconds: decodeSeconds })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer();
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
