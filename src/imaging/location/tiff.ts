import { empty } from './block.ts';

/**
 * Cuts positions and serial numbers out of EXIF (a TIFF without a picture), in place and without moving anything else: the GPS directory, the serial
 * numbers of body and lens, and the maker's note, whose format is each maker's own and mostly holds the serial number too.
 * What cannot be understood is emptied altogether. Returns whether anything was changed.
 */
export function cutFromTiff(tiff: Buffer): boolean {
  try {
    return new Tiff(tiff).cut();
  } catch {
    return empty(tiff);
  }
}

const gpsDirectory = 0x8825;
const exifDirectory = 0x8769;

/**
 * DNG's CameraSerialNumber and DNGPrivateData; MakerNote, BodySerialNumber, LensSerialNumber (Exif 3.0, 4.6.6); and whole pieces of other metadata: XMP, IPTC,
 * Photoshop's resources.
 */
const tellingTags: ReadonlySet<number> = new Set([0xc62f, 0xc634, 0x927c, 0xa431, 0xa435, 0x02bc, 0x83bb, 0x8649]);

/** Bytes of a value, by the type's number (TIFF 6.0, section 2; Exif 3.0 adds 129). */
const typeBytes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  129: 1,
};

const entryBytes = 12;

/** More than any camera writes; a chain that is longer runs in circles. */
const mostDirectories = 8;

class Tiff {
  readonly #bytes: Buffer;
  readonly #isLittle: boolean;
  #changed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#isLittle = bytes.toString('latin1', 0, 2) === 'II';
  }

  cut(): boolean {
    // TIFF 6.0, section 2. Something else may have its directories anywhere, or none.
    if (!/^(?:II\*\0|MM\0\*)$/.test(this.#bytes.toString('latin1', 0, 4))) throw new RangeError('No TIFF');
    let directory = this.#read32(4);
    for (let count = 0; directory !== 0; count++) {
      if (count === mostDirectories) throw new RangeError('Too many directories');
      directory = this.#cutFrom(directory, 0);
    }
    return this.#changed;
  }

  /** Returns where the next directory is, 0 for none. */
  #cutFrom(directory: number, depth: number): number {
    if (depth > 2) throw new RangeError('Directories within directories');
    for (let index = 0; index < this.#read16(directory); ) {
      const entry = directory + 2 + index * entryBytes;
      const tag = this.#read16(entry);
      if (tag === exifDirectory) this.#cutFrom(this.#read32(entry + 8), depth + 1);
      if (tag === gpsDirectory) this.#wipeDirectory(this.#read32(entry + 8));
      if (tag === gpsDirectory || tellingTags.has(tag)) this.#remove(directory, index);
      else index += 1;
    }
    return this.#read32(directory + 2 + this.#read16(directory) * entryBytes);
  }

  #wipeDirectory(directory: number): void {
    const count = this.#read16(directory);
    for (let index = 0; index < count; index++) this.#wipeValue(directory + 2 + index * entryBytes);
    this.#bytes.fill(0, directory, this.#within(directory + 2 + count * entryBytes + 4));
  }

  /** The entries behind move up, and the link to the next directory with them. */
  #remove(directory: number, index: number): void {
    const count = this.#read16(directory);
    const entry = directory + 2 + index * entryBytes;
    const end = this.#within(directory + 2 + count * entryBytes + 4);
    this.#wipeValue(entry);
    this.#bytes.copyWithin(entry, entry + entryBytes, end);
    this.#bytes.fill(0, end - entryBytes, end);
    this.#write16(count - 1, directory);
    this.#changed = true;
  }

  /** A value of more than four bytes lies elsewhere. */
  #wipeValue(entry: number): void {
    const sizeBytes = (typeBytes[this.#read16(entry + 2)] ?? 0) * this.#read32(entry + 4);
    if (sizeBytes <= 4) return;
    const at = this.#read32(entry + 8);
    this.#bytes.fill(0, at, this.#within(at + sizeBytes));
  }

  #within(at: number): number {
    if (at > this.#bytes.length) throw new RangeError('Beyond the end');
    return at;
  }

  #read16(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  #read32(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  #write16(value: number, at: number): void {
    if (this.#isLittle) this.#bytes.writeUInt16LE(value, at);
    else this.#bytes.writeUInt16BE(value, at);
  }
}
