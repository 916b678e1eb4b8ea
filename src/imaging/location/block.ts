/** A piece of a file that may tell a place: EXIF, XMP, IPTC, or something nobody can look into. A view, so that a change is one of the file. */
export interface Block {
  readonly kind: 'exif' | 'xmp' | 'iptc' | 'opaque';
  readonly content: Buffer;
}

/** What comments and keywords in no format of their own tell a place or a device by. */
export const tellingWords = /gps|latitude|longitude|location|serial|maker ?note/i;

/** Fills what cannot be looked into, or may not be. Returns whether there was anything else in it. */
export function empty(content: Buffer, filling = '\0'): boolean {
  if (isEmpty(content, filling)) return false;
  content.fill(filling);
  return true;
}

export function isEmpty(content: Buffer, filling = '\0'): boolean {
  return content.equals(Buffer.alloc(content.length, filling));
}
