import { empty } from './block.ts';

/**
 * What names a place or a device in XMP, whatever the namespace: Exif's and the drones' GPS, IPTC's places, Photoshop's and Adobe's own, the serial numbers of
 * everybody, and the makers' notes.
 */
const telling =
  /^(?:gps.*|(?:.*[_-])?sn|.*serial(?:n(?:o|um(?:ber)?)?)?|.*maker_?notes?|(?:sub|shot)?location.*|city|state|province.*|country.*|worldregion|.*altitude|.*latitude|.*longt?itude)$/i;

/** The same as the last of several words: DJI's `DroneSN` and `LRFTargetLat`, but neither PRISM's `issn` nor RDF's `Alt`. */
const tellingEnd = /[a-z\d](?:SN|Lat|Lon|Alt)$/;

const mostXmpBytes = 1024 * 1024;

/** Cuts positions and serial numbers out of XMP, in place: spaces take their room. What is not UTF-8, or too long to look through, goes altogether. */
export function cutFromXmp(xmp: Buffer): boolean {
  const text = xmp.toString('latin1');
  const cut =
    xmp.length > mostXmpBytes || text.includes('\0') ? ' '.repeat(text.length) : withoutElements(withoutAttributes(text));
  if (cut === text) return false;
  xmp.write(cut, 'latin1');
  return true;
}

/** Begins at whole words only, so that a long one is read once. */
const attribute = /(?<![\w:.-])([\w:.-]+)\s*=\s*(?:"[^"]*"|'[^']*')/g;

function withoutAttributes(xml: string): string {
  return xml.replace(attribute, (whole, name: string) => (isTelling(name) ? ' '.repeat(whole.length) : whole));
}

const tag = /<(\/?)([\w:.-]+)(?=[\s/>])[^<>]*>/g;

/** Up to the tag that closes the element, not one of the same name in it; to the end when there is none. */
function withoutElements(xml: string): string {
  let cut = '';
  let at = 0;
  let open = { name: '', from: 0, depth: 0 };
  for (const { 0: whole, 1: slash, 2: name = '', index } of xml.matchAll(tag)) {
    if (open.depth === 0) {
      if (slash !== '' || !isTelling(name)) continue;
      open = { name, from: index, depth: 0 };
    }
    if (name !== open.name) continue;
    if (slash !== '') open.depth -= 1;
    else if (!whole.endsWith('/>')) open.depth += 1;
    if (open.depth > 0) continue;
    const end = index + whole.length;
    cut += xml.slice(at, open.from) + ' '.repeat(end - open.from);
    at = end;
  }
  if (open.depth === 0) return cut + xml.slice(at);
  return cut + xml.slice(at, open.from) + ' '.repeat(xml.length - open.from);
}

function isTelling(name: string): boolean {
  const local = name.slice(name.indexOf(':') + 1);
  return telling.test(local) || tellingEnd.test(local);
}

/** IIM data sets of record 2 that name a place: content location code and name, city, sublocation, province, country code and name. */
const tellingSets: ReadonlySet<number> = new Set([26, 27, 90, 92, 95, 100, 101]);

/** Blanks the places in IPTC's own format (IIM 4.2, 1.5). Where it stops making sense the rest is emptied. */
export function cutFromIptc(iim: Buffer): boolean {
  let changed = false;
  let at = 0;
  while (at + 5 <= iim.length && iim[at] === 0x1c) {
    const dataAt = at + 5;
    const sizeBytes = iim.readUInt16BE(at + 3);
    // Above this a longer length follows (1.5.2.b); text is never that long.
    if (sizeBytes > 0x7fff || dataAt + sizeBytes > iim.length) break;
    if (iim[at + 1] === 2 && tellingSets.has(iim[at + 2] ?? 0))
      changed = empty(iim.subarray(dataAt, dataAt + sizeBytes), ' ') || changed;
    at = dataAt + sizeBytes;
  }
  return empty(iim.subarray(at)) || changed;
}
