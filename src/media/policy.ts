import { MediakeepError } from '../errors.ts';
import type { MediaKind } from './media-asset.ts';

/** The operator's limits, out of the configuration. */
export interface Limits {
  readonly maxImageBytes: number;
  readonly maxVideoBytes: number;
  /** Width x height x frames; the limit itself passes. */
  readonly maxImagePixels: number;
  /** Bytes a user may hold, running uploads counted; undefined: no limit. */
  readonly userQuotaBytes: number | undefined;
  /** Uploads that a user may have under way in one process. */
  readonly maxUploadsPerUser: number;
  /** Uploads that one process takes at a time. */
  readonly maxUploadsPerProcess: number;
}

/** What the kinds accept, by the type their bytes show. The words are for messages. */
export const acceptedTypes: Readonly<Record<MediaKind, { types: readonly string[]; inWords: string; noun: string }>> = {
  IMAGE: {
    types: ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'],
    inWords: 'JPEG, PNG, WebP, GIF and AVIF',
    noun: 'image',
  },
  VIDEO: {
    types: ['video/mp4', 'video/quicktime', 'video/webm', 'video/matroska'],
    inWords: 'MP4, QuickTime, WebM and Matroska',
    noun: 'video',
  },
};

/** How many bytes of a file tell its type: file-type's own sample size. */
export const headBytes = 4100;

/** Most bytes a file of this kind may have; that many pass, one more does not. */
export function maxBytes(limits: Limits, kind: MediaKind): number {
  return kind === 'IMAGE' ? limits.maxImageBytes : limits.maxVideoBytes;
}

/** Passes a type this kind accepts. UNSUPPORTED_MEDIA_TYPE otherwise; `undefined` is a type nobody knows. */
export function assertAccepted(kind: MediaKind, mimeType: string | undefined): string {
  const { types, inWords, noun } = acceptedTypes[kind];
  if (mimeType !== undefined && types.includes(mimeType)) return mimeType;
  const found = mimeType === undefined ? 'Its content is of no type we know' : `Its content is ${mimeType}`;
  throw new MediakeepError('UNSUPPORTED_MEDIA_TYPE', `This file is not an accepted ${noun}. ${found}; accepted are ${inWords}.`);
}

/**
 * Passes a declared type that the kind may turn out to have: one it accepts, or `application/octet-stream`, which says that nobody knows. It saves a user
 * from sending gigabytes for nothing; what the bytes say counts. UNSUPPORTED_MEDIA_TYPE otherwise.
 */
export function assertDeclarable(kind: MediaKind, mimeType: string): string {
  const { types, inWords, noun } = acceptedTypes[kind];
  if (types.includes(mimeType) || mimeType === 'application/octet-stream') return mimeType;
  throw new MediakeepError(
    'UNSUPPORTED_MEDIA_TYPE',
    `This file is not an accepted ${noun} by its declared type; accepted are ${inWords}.`,
  );
}

/** FILE_TOO_LARGE with the limit in it. */
export function fileTooLarge(kind: MediaKind, limitBytes: number): MediakeepError {
  return new MediakeepError(
    'FILE_TOO_LARGE',
    `The file is larger than the ${inBytes(limitBytes)} that ${acceptedTypes[kind].noun}s may have.`,
  );
}

/** QUOTA_EXCEEDED with the limit in it. */
export function quotaExceeded(quotaBytes: number): MediakeepError {
  return new MediakeepError(
    'QUOTA_EXCEEDED',
    `This upload would pass your quota of ${inBytes(quotaBytes)}. Delete something first.`,
  );
}

/** IDEMPOTENCY_CONFLICT: an upload with the same key is under way. */
export function keyInUse(): MediakeepError {
  return new MediakeepError(
    'IDEMPOTENCY_CONFLICT',
    'An upload with this idempotency key is under way. Please ask again in a moment.',
    {
      retryAfterSeconds: 2,
    },
  );
}

/** Every object of an asset lies below this. */
export function keyPrefix(id: string): string {
  return `${id}/`;
}

/** The object that holds the bytes as they were uploaded. */
export function originalKey(id: string): string {
  return `${keyPrefix(id)}original`;
}

/** `26214400 bytes (25 MiB)`: exact, and readable. */
export function inBytes(count: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = '';
  for (const next of units) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return unit === '' ? `${count} bytes` : `${count} bytes (${Math.round(value * 10) / 10} ${unit})`;
}
