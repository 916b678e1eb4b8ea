import { MediakeepError } from './errors.ts';

/** No answer came, or not all of it. */
export function noAnswer(cause?: unknown): MediakeepError {
  return new MediakeepError('The server cannot be reached.', { code: 'NETWORK', cause });
}
