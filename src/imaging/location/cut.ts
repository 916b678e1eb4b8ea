import { readsBeyondEnd, truncated } from '../outline.ts';
import { type Block, empty } from './block.ts';
import { metadataOf } from './blocks.ts';
import { cutFromIptc, cutFromXmp } from './texts.ts';
import { cutFromTiff } from './tiff.ts';

/**
 * Cuts positions and serial numbers out of a JPEG, PNG, WebP, AVIF or GIF, in place: no pixel is touched and no byte moves. What cannot be looked into, such
 * as a video behind a picture, a maker's own format or C2PA's manifest (whose signature would not hold any more anyway), is emptied. Not looked at: pixels, and
 * what descriptions tell in words. Returns whether anything was changed. INVALID_MEDIA when the file is not built as its type is.
 */
export function cutLocation(bytes: Buffer, mimeType: string): boolean {
  let changed = false;
  try {
    for (const { kind, content } of metadataOf[mimeType]?.(bytes) ?? []) changed = cutters[kind](content) || changed;
    return changed;
  } catch (error) {
    throw readsBeyondEnd(error) ? truncated(error) : error;
  }
}

const cutters: Readonly<Record<Block['kind'], (content: Buffer) => boolean>> = {
  exif: cutFromTiff,
  xmp: cutFromXmp,
  iptc: cutFromIptc,
  opaque: (content) => empty(content),
};
