import { MediakeepError } from '../errors.ts';
import { avifOutline } from './avif.ts';
import { gifOutline } from './gif.ts';
import { jpegOutline } from './jpeg.ts';
import { type Outline, readsBeyondEnd, truncated } from './outline.ts';
import { pngOutline } from './png.ts';
import { webpOutline } from './webp.ts';

/**
 * Checks a file's structure to its end and says what it claims to hold, decoding nothing. `mimeType` is what sniffing found.
 * INVALID_MEDIA when it is empty, truncated, or not built as its type is.
 */
export function outlineOf(bytes: Buffer, mimeType: string): Outline {
  const read = readers[mimeType];
  if (read === undefined) throw new MediakeepError('UNSUPPORTED_MEDIA_TYPE', `Images of type ${mimeType} are not accepted.`);
  try {
    return read(bytes);
  } catch (error) {
    throw readsBeyondEnd(error) ? truncated(error) : error;
  }
}

const readers: Readonly<Record<string, (bytes: Buffer) => Outline>> = {
  'image/jpeg': jpegOutline,
  'image/png': pngOutline,
  'image/webp': webpOutline,
  'image/gif': gifOutline,
  'image/avif': avifOutline,
};
