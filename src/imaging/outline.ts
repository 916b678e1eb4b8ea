import { MediakeepError } from '../errors.ts';

/** What a picture's file says of itself, read from its structure without decoding a pixel. */
export interface Outline {
  /** Pixels as stored, before any turning. At least what the decoder will make of it. */
  readonly width: number;
  readonly height: number;
  /** 1 for a still picture. */
  readonly frames: number;
  /** Whether only the decoder can tell the upright size: there is an EXIF orientation, or the format has rules of its own. */
  readonly sizeIsTentative: boolean;
  /** What decoding holds in memory, counted in pixels of 4 bytes; measured with libvips 8.18 when it is shrunk to 100 pixels on the way. */
  readonly decodedPixels: number;
}

/** Most chunks or boxes of one file. A real picture of 25 MiB has a few thousand; walking through millions of empty ones would hold up the process. */
export const maxParts = 100_000;

/** INVALID_MEDIA for a file whose end is missing. */
export function truncated(cause?: unknown): MediakeepError {
  return new MediakeepError(
    'INVALID_MEDIA',
    'The image is incomplete: its end is missing.',
    cause === undefined ? {} : { cause },
  );
}

/** INVALID_MEDIA for a file that is not built as its format wants. `what` is for the log. */
export function malformed(what: string): MediakeepError {
  return new MediakeepError('INVALID_MEDIA', 'The image is damaged: it is not built as a file of its type is.', { cause: what });
}

/** Whether an error says that a read went past the last byte: the readers of files do not look before they leap. */
export function readsBeyondEnd(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_OUT_OF_RANGE' || code === 'ERR_BUFFER_OUT_OF_BOUNDS';
}
