import { MediakeepError } from '../errors.ts';

/** INVALID_MEDIA for a file whose end is missing. */
export function truncated(): MediakeepError {
  return new MediakeepError('INVALID_MEDIA', 'The video is incomplete: its end is missing.');
}

/** INVALID_MEDIA for a file that is not built as its container wants. `cause` is for the log. */
export function malformed(cause: unknown): MediakeepError {
  return new MediakeepError('INVALID_MEDIA', 'The video is damaged: its container cannot be read.', { cause });
}

/** UNSUPPORTED_MEDIA_TYPE for sound without a moving picture. */
export function notAVideo(): MediakeepError {
  return new MediakeepError('UNSUPPORTED_MEDIA_TYPE', 'This file holds sound but no moving picture, so it is not a video.');
}
