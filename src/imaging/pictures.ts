import type { PicturePlan, Point } from '../media/ports.ts';
import { Pixels } from './pixels.ts';
import { sharp } from './sharp.ts';

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How large all of the image is within a picture of this plan, before anything is cropped or padded. */
export function scaledSize(image: Size, plan: PicturePlan): Size {
  if (plan.fit === 'INSIDE') return { width: plan.width, height: plan.height };
  const ratios = [plan.width / image.width, plan.height / image.height] as const;
  const scale = Math.min(1, plan.fit === 'COVER' ? Math.max(...ratios) : Math.min(...ratios));
  const [width, height] = [Math.max(1, Math.round(image.width * scale)), Math.max(1, Math.round(image.height * scale))];
  if (plan.fit === 'CONTAIN') return { width: Math.min(width, plan.width), height: Math.min(height, plan.height) };
  return { width: Math.max(width, plan.width), height: Math.max(height, plan.height) };
}

/** Decodes an image to `size`, which is not larger than it is; of a JPEG no more than that takes. */
export async function decodePixels(bytes: Buffer, size: Size, { maxPixels }: { maxPixels: number }): Promise<Pixels> {
  const { data, info } = await sharp(bytes, { failOn: 'none', limitInputPixels: maxPixels, sequentialRead: true })
    .autoOrient()
    .timeout({ seconds: renderSeconds })
    .resize(size.width, size.height, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return new Pixels(data, { ...info, channels: info.channels as Pixels['channels'] });
}

/** Scales pixels down to a size. */
export async function scalePixels({ data, width, height, channels }: Pixels, size: Size): Promise<Pixels> {
  const scaled = await sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
    .resize(size.width, size.height, { fit: 'fill' })
    .raw()
    .toBuffer();
  return new Pixels(scaled, { ...size, channels });
}

/** Makes a picture out of pixels that are at least as large as it needs. `image` is the whole image's size. */
export async function encodePicture(pixels: Pixels, image: Size, plan: PicturePlan): Promise<Buffer> {
  const { data, width, height, channels } = pixels;
  const opened = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  return await inFormat(shaped(opened, pixels, image, plan), plan)
    .timeout({ seconds: renderSeconds })
    .toBuffer();
}

/** Makes an animated WebP with every frame of the image; attention is not to be had there, so COVER without a focus keeps the middle. */
export async function encodeAnimation(
  bytes: Buffer,
  image: Size,
  plan: PicturePlan,
  { maxPixels }: { maxPixels: number },
): Promise<Buffer> {
  const opened = sharp(bytes, { failOn: 'none', limitInputPixels: maxPixels, animated: true });
  const focused = { ...plan, focus: plan.focus ?? middle };
  return await inFormat(shaped(opened, undefined, image, focused), plan)
    .timeout({ seconds: renderSeconds })
    .toBuffer();
}

/** How long making one picture may take. The slowest, 60 megapixels of AVIF, takes about 8 seconds of one core. */
export const renderSeconds = 60;

const middle: Point = { x: 0.5, y: 0.5 };

type Opened = ReturnType<typeof sharp>;

/** Scales, then crops or pads. `decoded` is the size the pixels have already, if they are there. */
function shaped(opened: Opened, decoded: Size | undefined, image: Size, plan: PicturePlan): Opened {
  const { width, height, fit, focus } = plan;
  const scaled = scaledSize(image, plan);
  const isScaled = decoded?.width === scaled.width && decoded.height === scaled.height;
  if (fit === 'COVER' && focus === undefined) return opened.resize(width, height, { fit: 'cover', position: 'attention' });
  const resized = isScaled ? opened : opened.resize(scaled.width, scaled.height, { fit: 'fill' });
  if (fit === 'COVER') return resized.extract({ ...placeAround(focus ?? middle, scaled, plan), width, height });
  return fit === 'CONTAIN' ? padded(resized, scaled, plan) : resized;
}

/** The crop whose middle is as near to the focus as the picture's edges allow. */
function placeAround({ x, y }: Point, scaled: Size, crop: Size): { left: number; top: number } {
  const from = (at: number, whole: number, part: number): number =>
    Math.min(Math.max(0, Math.round(at * whole - part / 2)), whole - part);
  return { left: from(x, scaled.width, crop.width), top: from(y, scaled.height, crop.height) };
}

function padded(opened: Opened, scaled: Size, { width, height, format }: PicturePlan): Opened {
  const [across, down] = [width - scaled.width, height - scaled.height];
  const [left, top] = [Math.floor(across / 2), Math.floor(down / 2)];
  const background = format === 'JPEG' ? white : transparent;
  return opened.extend({ left, right: across - left, top, bottom: down - top, background });
}

const white = { r: 255, g: 255, b: 255, alpha: 1 };
const transparent = { r: 0, g: 0, b: 0, alpha: 0 };

/**
 * Effort and quality by measurement, of a grainy photo of 1.7 megapixels, in ms of CPU: WebP effort 2 89, 4 (sharp's own) 183 for 4 % fewer bytes. AVIF effort 0 194,
 * 3 900 for a third fewer bytes, 4 (sharp's own) 4000 for 6 % fewer. JPEG 16, progressive 30 for 3 % fewer, mozjpeg 151 for 14 % fewer.
 */
function inFormat(opened: Opened, { format, width, height }: PicturePlan): Opened {
  switch (format) {
    case 'WEBP':
      return opened.webp({ quality: 80, effort: 2 });
    case 'AVIF':
      return opened.avif({ quality: 50, effort: width * height <= smallPixels ? 3 : 0 });
    case 'JPEG':
      return opened.flatten({ background: white }).jpeg({ quality: 80, progressive: true });
    case 'PNG':
      return opened.png({ compressionLevel: 6 });
  }
}

/** Up to here an AVIF is worth its effort: half a second. */
const smallPixels = 1_000_000;
