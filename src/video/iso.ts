import { type BoxHeader, readBoxHeader } from './box.ts';
import { Fragments, lastFragmentOffset } from './fragments.ts';
import { type Movie, readMovie } from './movie.ts';
import type { ContainerOutline } from './outline.ts';
import type { RangedBytes } from './ranged-bytes.ts';
import { malformed, truncated } from './refusals.ts';

/**
 * Checks that an MP4 or QuickTime file is whole: its boxes fill the file exactly, and the index (`moov`) is there and names no sample beyond the end.
 * A player, and mediabunny, take a file that lost its second half for a whole one. INVALID_MEDIA otherwise.
 * Of a fragmented file that has an index at its end, what lies between the first and the last fragment is passed over.
 */
export async function checkIso(bytes: RangedBytes): Promise<ContainerOutline> {
  const { index, movie, fragments } = await new Walk(bytes).run();
  const ends = [...movie.tracks.values()].map(({ id, timescale }) => (fragments.timings.get(id)?.end ?? 0) / (timescale || 1));
  return {
    index,
    durationSeconds: Math.max(movie.durationSeconds, ...ends),
    sampleCount: (id) => (movie.tracks.get(id)?.sampleCount ?? 0) + (fragments.timings.get(id)?.sampleCount ?? 0),
    frameRate: (id) => {
      const [track, fragmented] = [movie.tracks.get(id), fragments.timings.get(id)];
      const count = (track?.sampleCount ?? 0) + (fragmented?.sampleCount ?? 0);
      const duration = (track?.sampleDuration ?? 0) + (fragmented?.duration ?? 0);
      return track === undefined || duration === 0 || count < 2 ? null : (count * track.timescale) / duration;
    },
  };
}

/** The largest index that is read: 32 MiB are some twenty hours of film. */
const maxMoovBytes = 32 * 1024 * 1024;

/** Some dozen brands. */
const maxFtypBytes = 4096;

const maxMoofBytes = 4 * 1024 * 1024;

/** A live recording without an index at its end may have thousands of fragments, each a read; after so many the rest is taken on trust. */
const trustedReads = 64;

/** Most boxes side by side. */
const maxBoxes = 100_000;

class Walk {
  readonly #bytes: RangedBytes;
  #movie: Movie | undefined;
  #fragments: Fragments | undefined;
  #hasData = false;
  /** `ftyp` and `moov`. */
  readonly #index: Buffer[] = [];

  constructor(bytes: RangedBytes) {
    this.#bytes = bytes;
  }

  async run(): Promise<{ index: Buffer; movie: Movie; fragments: Fragments }> {
    const { sizeBytes } = this.#bytes;
    for (let at = 0, boxes = 0; at < sizeBytes && !this.#isTrusted(); boxes++) {
      if (boxes === maxBoxes) throw malformed('too many boxes');
      const bytes = await this.#bytes.read(at, Math.min(16, sizeBytes - at));
      if (this.#isTrailer(bytes)) break;
      const header = readBoxHeader(bytes);
      const end = header.sizeBytes === undefined ? sizeBytes : at + header.sizeBytes;
      if (end > sizeBytes) throw truncated();
      at = (await this.#visit(header, at, end)) ?? end;
    }
    if (this.#movie === undefined || this.#fragments === undefined) throw truncated();
    return { index: Buffer.concat(this.#index), movie: this.#movie, fragments: this.#fragments };
  }

  /** Where to go on, when that is not the end of the box. */
  async #visit({ type, headerBytes }: BoxHeader, start: number, end: number): Promise<number | undefined> {
    const read = (limit: number): Promise<Buffer> => {
      if (end - start > limit) throw malformed(`${type} of ${end - start} bytes`);
      return this.#bytes.read(start, end - start);
    };
    if (type === 'mdat') this.#hasData = true;
    if (type === 'ftyp' && this.#index.length === 0) this.#index.push(await read(maxFtypBytes));
    if (type === 'moov' && this.#movie === undefined) {
      const moov = await read(maxMoovBytes);
      this.#index.push(moov);
      this.#movie = readMovie(moov.subarray(headerBytes), this.#bytes.sizeBytes);
      this.#fragments = new Fragments(this.#movie);
    }
    if (type !== 'moof' || this.#movie?.isFragmented !== true) return undefined;
    const isFirst = this.#fragments?.timings.size === 0;
    this.#fragments?.add((await read(maxMoofBytes)).subarray(headerBytes));
    const last = isFirst ? await this.#lastFragment() : 0;
    return last > end ? last : undefined;
  }

  /** By the index at the end, whose own size is the file's last word (`mfro`, ISO 14496-12, 8.8.11); 0 when there is none. */
  async #lastFragment(): Promise<number> {
    const { sizeBytes } = this.#bytes;
    const tail = await this.#bytes.read(sizeBytes - 16, 16);
    const indexBytes = tail.readUInt32BE(12);
    if (tail.toString('latin1', 4, 8) !== 'mfro' || indexBytes < 24 || indexBytes > Math.min(sizeBytes, maxMoofBytes)) return 0;
    const index = await this.#bytes.read(sizeBytes - indexBytes, indexBytes);
    const { type, sizeBytes: claimedBytes, headerBytes } = readBoxHeader(index);
    return type === 'mfra' && claimedBytes === indexBytes ? lastFragmentOffset(index.subarray(headerBytes)) : 0;
  }

  /** What cameras append to a whole file without putting it into a box, or padding. */
  #isTrailer(bytes: Buffer): boolean {
    if (this.#movie === undefined || !this.#hasData) return false;
    if (bytes.every((byte) => byte === 0)) return true;
    return bytes.length >= 8 && !/^[\x20-\x7e\xa9]{4}$/.test(bytes.toString('latin1', 4, 8));
  }

  #isTrusted(): boolean {
    return this.#movie?.isFragmented === true && this.#bytes.readsLeft < trustedReads;
  }
}
