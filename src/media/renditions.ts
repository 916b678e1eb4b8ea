import { MediakeepError } from '../errors.ts';
import type { ImageAsset } from './media-asset.ts';
import type { PictureFormat, PicturePlan, Point } from './ports.ts';

/** How a picture meets the box that was asked for: it fits into it, covers it and is cropped, or is padded to fill it. */
export const imageFits = ['INSIDE', 'COVER', 'CONTAIN'] as const;
export type ImageFit = (typeof imageFits)[number];

/** What a rendition may be asked in; `AUTO` is decided by each request's `Accept`. */
export const imageFormats = ['AUTO', 'WEBP', 'AVIF', 'JPEG', 'PNG'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** The widths renditions are made in; what is asked is rounded up to the next, so that a picture has few renditions and caches meet. */
export const widthLadder = [64, 128, 256, 384, 512, 640, 768, 1024, 1280, 1600, 1920, 2560, 3840] as const;

/** The longest side of a WebP (RFC 9649 2.5: 14 bits); every rendition keeps to it, so that its size does not hang on its format. */
export const longestSide = 16_383;

/** Width and height in whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What a client asks for. Absent is null: INSIDE, WEBP, and without width and height the original's size. */
export interface RenditionRequest {
  readonly width?: number | null | undefined;
  readonly height?: number | null | undefined;
  readonly fit?: ImageFit | null | undefined;
  readonly format?: ImageFormat | null | undefined;
}

/** A rendition, named: its exact size before it exists. */
export interface RenditionPlan extends Omit<PicturePlan, 'format'> {
  readonly format: ImageFormat;
}

/** What a plan hangs on: the upright size, and the point that COVER keeps. */
export type Plannable = Pick<ImageAsset, 'id' | 'focus' | 'width' | 'height'>;

/** What will be made of an image for a request. BAD_USER_INPUT for a width or height below 1. */
export function planRendition(image: Plannable, request: RenditionRequest): RenditionPlan {
  const fit = request.fit ?? 'INSIDE';
  const format = request.format ?? 'WEBP';
  const original = sizeOf(image);
  const size = renditionSize(original, { ...request, fit });
  // Where nothing is cropped or padded, all fits are the same picture, and should be made once.
  if (fit === 'INSIDE' || isWhole(original, size)) return { ...size, fit: 'INSIDE', format };
  const focus = fit === 'COVER' && image.focus !== null ? { focus: image.focus } : {};
  return { ...size, fit, format, ...focus };
}

/**
 * The exact size a rendition has: the width rounded up to {@link widthLadder}, the asked proportions kept, nothing ever enlarged. `original` is
 * the upright size. BAD_USER_INPUT for a width or height below 1.
 */
export function renditionSize(original: Size, request: Omit<RenditionRequest, 'format'> & { fit: ImageFit }): Size {
  const box = boxOf(original, { width: side('width', request.width), height: side('height', request.height) });
  const ratios = [box.width / original.width, box.height / original.height] as const;
  // The box shrinks until the original fills it without being enlarged: both sides for COVER, the nearer one for CONTAIN.
  const fitted =
    request.fit === 'INSIDE'
      ? shrink(original, Math.min(...ratios))
      : shrink(box, 1 / (request.fit === 'COVER' ? Math.max(...ratios) : Math.min(...ratios)));
  return rounded(shrink(fitted, longestSide / Math.max(fitted.width, fitted.height)));
}

/** The name of a rendition below its asset, such as `w640-h480-cover-f25x75.webp`; with `.auto` it stands in links only. */
export function renditionName({ width, height, fit, focus, format }: RenditionPlan): string {
  const focused = focus === undefined ? '' : `-f${Math.round(focus.x * 100)}x${Math.round(focus.y * 100)}`;
  return `w${width}-h${height}-${fit.toLowerCase()}${focused}.${format.toLowerCase()}`;
}

/** What a rendition is called when it is saved: `holiday.webp` for `holiday.jpg`. */
export function renditionFilename(original: string, format: PictureFormat): string {
  const stem = original.replace(/\.[^.]{1,5}$/, '') || original;
  return `${stem}.${format === 'JPEG' ? 'jpg' : format.toLowerCase()}`;
}

/** The plan behind a name, or undefined when it is not one that {@link renditionName} gives. */
export function readRenditionName(name: string): RenditionPlan | undefined {
  const [, width, height, fitName, x, y, formatName] = namePattern.exec(name) ?? [];
  const fit = imageFits.find((each) => each.toLowerCase() === fitName);
  const format = imageFormats.find((each) => each.toLowerCase() === formatName);
  if (fit === undefined || format === undefined) return undefined;
  const focus = x === undefined || y === undefined ? {} : { focus: { x: Number(x) / 100, y: Number(y) / 100 } };
  const plan: RenditionPlan = { width: Number(width), height: Number(height), fit, format, ...focus };
  const fits = plan.width <= longestSide && plan.height <= longestSide && Number(x ?? 0) <= 100 && Number(y ?? 0) <= 100;
  return fits && renditionName(plan) === name ? plan : undefined;
}

const namePattern = /^w([1-9]\d{0,4})-h([1-9]\d{0,4})-([a-z]+)(?:-f(\d{1,3})x(\d{1,3}))?\.([a-z]+)$/;

/**
 * The format for a request: what was asked, or for AUTO the best that its `Accept` names. A wildcard names nothing, because clients send it that
 * know no AVIF. A moving picture prefers WebP, in which it keeps moving.
 */
export function chooseFormat(
  format: ImageFormat,
  accept: string | undefined,
  image: Pick<ImageAsset, 'animated' | 'hasAlpha'>,
): PictureFormat {
  if (format !== 'AUTO') return format;
  const preferred = image.animated ? (['WEBP', 'AVIF'] as const) : (['AVIF', 'WEBP'] as const);
  const named = preferred.find((each) => names(accept ?? '', pictureTypes[each]));
  return named ?? (image.hasAlpha ? 'PNG' : 'JPEG');
}

/** The media types of renditions; that of AUTO is known only when it is fetched. */
export const pictureTypes: Readonly<Record<ImageFormat, string>> = {
  AUTO: 'image/*',
  WEBP: 'image/webp',
  AVIF: 'image/avif',
  JPEG: 'image/jpeg',
  PNG: 'image/png',
};

/** Links of renditions expire at the first multiple of 6 hours that is at least 24 hours away. */
export const renditionLinkLife = { ttlSeconds: 24 * 3600, windowSeconds: 6 * 3600 } as const;

/** Passes the widths of a `srcset`; without them, what phones, tablets, desktops and their dense screens need. BAD_USER_INPUT for none or too many. */
export function srcsetWidths(widths: readonly number[] | null | undefined): readonly number[] {
  if (widths === null || widths === undefined) return usualWidths;
  if (widths.length >= 1 && widths.length <= maxSrcsetWidths) return widths;
  throw new MediakeepError('BAD_USER_INPUT', `\`widths\` must have 1 to ${maxSrcsetWidths} widths.`);
}

const usualWidths: readonly number[] = [384, 640, 1024, 1600, 2560];

/** More than the ladder has steps are the same picture twice. */
const maxSrcsetWidths = 20;

/** Passes a focus, in hundredths, so that a picture has few crops. BAD_USER_INPUT when it does not lie in the picture. */
export function cleanFocus(focus: Point | null): Point | null {
  if (focus === null) return null;
  if ([focus.x, focus.y].every((at) => at >= 0 && at <= 1)) return inPercents(focus);
  throw new MediakeepError('BAD_USER_INPUT', '`focus.x` and `focus.y` must be numbers from 0 to 1.');
}

/** The renditions to make ahead: WebP of these widths, each once. */
export function plansAhead(image: Plannable, widths: readonly number[]): readonly PicturePlan[] {
  const plans = widths.map((width) => ({ ...planRendition(image, { width }), format: 'WEBP' as const }));
  return [...new Map(plans.map((plan) => [renditionName(plan), plan])).values()];
}

function sizeOf({ id, width, height }: Plannable): Size {
  if (width === null || height === null) throw new Error(`The image ${id} has no size`);
  return { width, height };
}

/** The box, not yet rounded to pixels; it may be larger than the original. */
function boxOf(original: Size, { width, height }: { width: number | undefined; height: number | undefined }): Size {
  if (width === undefined && height === undefined) return original;
  const proportion = width !== undefined && height !== undefined ? height / width : original.height / original.width;
  const wanted = width ?? (height ?? 1) / proportion;
  const onLadder = widthLadder.find((step) => step >= wanted) ?? widthLadder[widthLadder.length - 1] ?? wanted;
  return { width: onLadder, height: onLadder * proportion };
}

/** Never grows. */
function shrink({ width, height }: Size, factor: number): Size {
  const by = Math.min(1, factor);
  return { width: width * by, height: height * by };
}

function rounded({ width, height }: Size): Size {
  return { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) };
}

/** Whether a box of this size shows all of the original and nothing else, to the nearest pixel. */
function isWhole(original: Size, { width, height }: Size): boolean {
  const scale = Math.max(width / original.width, height / original.height);
  return (
    Math.abs(original.width * scale - width) <= 0.5 &&
    Math.abs(original.height * scale - height) <= 0.5 &&
    width <= original.width &&
    height <= original.height
  );
}

function inPercents({ x, y }: Point): Point {
  return { x: Math.round(x * 100) / 100, y: Math.round(y * 100) / 100 };
}

function side(name: string, value: number | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined;
  if (Number.isInteger(value) && value >= 1) return value;
  throw new MediakeepError('BAD_USER_INPUT', `\`${name}\` must be a whole number of pixels from 1.`);
}

/** Whether an `Accept` header names a media type outright, and not to refuse it (`q=0`). RFC 9110 12.5.1. */
function names(accept: string, type: string): boolean {
  return accept.split(',').some((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return name === type && !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
  });
}
