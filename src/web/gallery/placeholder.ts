import { thumbHashToRGBA } from 'thumbhash';

const drawn = new Map<string, string>();

/** How many drawn placeholders are kept; each is a small PNG as text. */
const mostKept = 2000;

/** A ThumbHash (base64) as an image's address; undefined when it is none. */
export function placeholderUrl(hash: string): string | undefined {
  const known = drawn.get(hash);
  if (known !== undefined) return known;
  const url = draw(hash);
  if (url === undefined) return undefined;
  if (drawn.size >= mostKept) drawn.clear();
  drawn.set(hash, url);
  return url;
}

function draw(hash: string): string | undefined {
  const bytes = Uint8Array.from(atob(hash), (character) => character.charCodeAt(0));
  if (bytes.length < 5) return undefined;
  const { w, h, rgba } = thumbHashToRGBA(bytes);
  const canvas = document.createElement('canvas');
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext('2d');
  if (context === null) return undefined;
  context.putImageData(new ImageData(new Uint8ClampedArray(rgba), w, h), 0, 0);
  return canvas.toDataURL();
}
