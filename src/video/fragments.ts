import { boxesIn, descend } from './box.ts';
import type { Movie, Track } from './movie.ts';

/** What the fragments seen so far add to a track. */
export interface FragmentedTiming {
  sampleCount: number;
  /** Of those samples together, in units of the track's timescale. */
  duration: number;
  /** When the last of them ends, in the same units. */
  end: number;
}

/** Adds up the fragments (`moof`) of a file, one after the other. */
export class Fragments {
  readonly timings = new Map<number, FragmentedTiming>();
  readonly #tracks: Movie['tracks'];

  constructor(movie: Movie) {
    this.#tracks = movie.tracks;
  }

  /** Reads one `moof` (ISO 14496-12, 8.8.4). Runs are never expanded: one of 16 bytes may claim four billion samples. */
  add(moof: Buffer): void {
    for (const { content } of descend(moof, ['traf'])) {
      const header = descend(content, ['tfhd'])[0]?.content;
      const track = header === undefined ? undefined : this.#tracks.get(header.readUInt32BE(4));
      if (header !== undefined && track !== undefined) this.#addTo(track, content, defaultDuration(header, track));
    }
  }

  #addTo(track: Track, traf: Buffer, sampleDuration: number): void {
    const timing = this.timings.get(track.id) ?? { sampleCount: 0, duration: 0, end: 0 };
    for (const { type, content } of boxesIn(traf)) {
      if (type === 'tfdt') timing.end = content.readUInt8(0) === 1 ? Number(content.readBigUInt64BE(4)) : content.readUInt32BE(4);
      if (type !== 'trun') continue;
      const duration = runDuration(content, sampleDuration);
      timing.sampleCount += content.readUInt32BE(4);
      timing.duration += duration;
      timing.end += duration;
    }
    this.timings.set(track.id, timing);
  }
}

/** Where the last fragment begins, by the index at the end of the file (`mfra`, 8.8.9); 0 when it does not say. */
export function lastFragmentOffset(mfra: Buffer): number {
  const offsets = descend(mfra, ['tfra']).map(({ content }) => {
    const isWide = content.readUInt8(0) === 1;
    const lengths = content.readUInt32BE(8);
    const entryBytes = (isWide ? 16 : 8) + ((lengths >> 4) & 3) + ((lengths >> 2) & 3) + (lengths & 3) + 3;
    if (content.readUInt32BE(12) === 0) return 0;
    const last = content.length - entryBytes;
    return isWide ? Number(content.readBigUInt64BE(last + 8)) : content.readUInt32BE(last + 4);
  });
  return Math.max(0, ...offsets);
}

function defaultDuration(tfhd: Buffer, track: Track): number {
  const flags = tfhd.readUInt32BE(0) & 0xffffff;
  if ((flags & 0x8) === 0) return track.defaultSampleDuration;
  return tfhd.readUInt32BE(8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4));
}

/** Of all samples of a `trun` (8.8.8), which says it for each of them or for none. */
function runDuration(trun: Buffer, sampleDuration: number): number {
  const flags = trun.readUInt32BE(0) & 0xffffff;
  const count = trun.readUInt32BE(4);
  if ((flags & 0x100) === 0) return count * sampleDuration;
  const first = 8 + ((flags & 0x1) === 0 ? 0 : 4) + ((flags & 0x4) === 0 ? 0 : 4);
  const entryBytes = [0x100, 0x200, 0x400, 0x800].filter((flag) => (flags & flag) !== 0).length * 4;
  let total = 0;
  for (let at = first, left = count; left > 0; left--, at += entryBytes) total += trun.readUInt32BE(at);
  return total;
}
