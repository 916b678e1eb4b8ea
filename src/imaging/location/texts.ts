/** What names a place or a device in XMP, whatever the namespace: Exif's and the drones' GPS, IPTC's places, Photoshop's and Adobe's own. */
const telling =
  /^(?:gps.*|.*serialnumber|makernotes?|(?:sub)?location.*|city|state|province.*|country.*|worldregion|(?:.*altitude|latitude|longt?itude))$/i;

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

const element = /<([\w:.-]+)(?=[\s/>])[^<>]*>/g;

function withoutElements(xml: string): string {
  let cut = '';
  let at = 0;
  for (const { 0: tag, 1: name = '', index } of xml.matchAll(element)) {
    if (index < at || !isTelling(name)) continue;
    const end = tag.endsWith('/>') ? index + tag.length : endOf(xml, name, index + tag.length);
    cut += xml.slice(at, index) + ' '.repeat(end - index);
    at = end;
  }
  return cut + xml.slice(at);
}

function endOf(xml: string, name: string, from: number): number {
  const closing = `</${name}>`;
  const at = xml.indexOf(closing, from);
  return at === -1 ? xml.length : at + closing.length;
}

function isTelling(name: string): boolean {
  return telling.test(name.slice(name.indexOf(':') + 1));
}

/** IIM data sets of record 2 that name a place: content location code and name, city, sublocation, province, country code and name. */
const tellingSets: ReadonlySet<number> = new Set([26, 27, 90, 92, 95, 100, 101]);

/** Blanks the places in IPTC's own format (IIM 4.2, 1.5). */
export function cutFromIptc(iim: Buffer): boolean {
  let changed = false;
  for (let at = 0; at + 5 <= iim.length && iim[at] === 0x1c; ) {
    const sizeBytes = iim.readUInt16BE(at + 3);
    // A longer length follows in as many bytes as its lower bits say; what is that long is no place.
    if (sizeBytes > 0x7fff) return changed;
    if (iim[at + 1] === 2 && tellingSets.has(iim[at + 2] ?? 0)) {
      iim.fill(' ', at + 5, at + 5 + sizeBytes);
      changed = true;
    }
    at += 5 + sizeBytes;
  }
  return changed;
}
