import { type Box, boxesIn, descend } from './box.ts';
import { malformed, truncated } from './refusals.ts';

/** What the index of an MP4 or QuickTime file (`moov`) says that matters before anybody else reads it. */
export interface Movie {
  readonly isFragmented: boolean;
  /** 0 when the index does not know, as in most fragmented files. */
  readonly durationSeconds: number;
  readonly tracks: ReadonlyMap<number, Track>;
}

/** One track of a {@link Movie}. */
export interface Track {
  readonly id: number;
  readonly isVideo: boolean;
  /** Units a second. */
  readonly timescale: number;
  readonly sampleCount: number;
  /** Of all samples together, in units of the timescale. */
  readonly sampleDuration: number;
  /** Of a sample of a fragment that does not say (`trex`). */
  readonly defaultSampleDuration: number;
}

/**
 * Reads `moov`. INVALID_MEDIA when it is not well built, has more boxes or tracks than any camera writes, or when a track's samples lie beyond the end
 * of the file. Tables are read as they are, never expanded: a table of one line may claim four billion samples.
 */
export function readMovie(moov: Buffer, fileBytes: number): Movie {
  assertReasonable(moov);
  const traks = descend(moov, ['trak']);
  if (traks.length > maxTracks) throw malformed(`${traks.length} tracks`);
  const defaults = new Map(
    descend(moov, ['mvex', 'trex']).map(({ content }) => [content.readUInt32BE(4), content.readUInt32BE(12)]),
  );
  const tracks = traks.map(({ content }) => readTrack(content, { fileBytes, defaults }));
  return {
    isFragmented: descend(moov, ['mvex']).length > 0,
    durationSeconds: movieSeconds(moov) || Math.max(0, ...tracks.map(seconds)),
    tracks: new Map(tracks.map((track) => [track.id, track])),
  };
}

/** Files of editing programs have a dozen. */
const maxTracks = 200;

/** Most boxes of a `moov`: its bulk is in a few tables. Whoever walks through millions of empty boxes holds up the process. */
const maxBoxes = 50_000;

const containers = new Set(['trak', 'mdia', 'minf', 'stbl', 'dinf', 'edts', 'mvex', 'udta', 'sinf', 'schi', 'wave', 'ilst']);

function assertReasonable(moov: Buffer): void {
  let left = maxBoxes;
  const walk = (content: Buffer, depth: number): void => {
    for (const box of wellBuiltBoxesIn(content)) {
      left -= 1;
      if (left < 0 || depth > 16) throw malformed('too many boxes');
      if (containers.has(box.type)) walk(box.content, depth + 1);
    }
  };
  walk(moov, 0);
}

/** Up to the first that is not: cameras put notes of their own making into `udta`. What must be well built is read again below. */
function* wellBuiltBoxesIn(content: Buffer): Generator<Box> {
  const boxes = boxesIn(content);
  for (;;) {
    let next: IteratorResult<Box>;
    try {
      next = boxes.next();
    } catch {
      return;
    }
    if (next.done === true) return;
    yield next.value;
  }
}

function readTrack(trak: Buffer, { fileBytes, defaults }: { fileBytes: number; defaults: ReadonlyMap<number, number> }): Track {
  const header = only(trak, ['tkhd']);
  const id = header.readUInt32BE(header.readUInt8(0) === 1 ? 20 : 12);
  const media = only(trak, ['mdia', 'mdhd']);
  const table = only(trak, ['mdia', 'minf', 'stbl']);
  const sizes = new SampleSizes(table);
  assertSamplesInside(table, sizes, fileBytes);
  return {
    id,
    isVideo: only(trak, ['mdia', 'hdlr']).toString('latin1', 8, 12) === 'vide',
    timescale: media.readUInt32BE(media.readUInt8(0) === 1 ? 20 : 12),
    sampleCount: sizes.count,
    sampleDuration: sampleDuration(table),
    defaultSampleDuration: defaults.get(id) ?? 0,
  };
}

function only(content: Buffer, path: readonly string[]): Buffer {
  const [found] = descend(content, path);
  if (found === undefined) throw malformed(`no ${path.at(-1)}`);
  return found.content;
}

/** `stsz` (ISO 14496-12, 8.7.3.2), or `stz2` as far as its count goes. */
class SampleSizes {
  readonly count: number;
  readonly #uniform: number;
  readonly #table: Buffer;

  constructor(stbl: Buffer) {
    const [stsz] = descend(stbl, ['stsz']);
    const [table] = stsz === undefined ? descend(stbl, ['stz2']) : [stsz];
    this.#uniform = stsz?.content.readUInt32BE(4) ?? 0;
    this.count = table?.content.readUInt32BE(8) ?? 0;
    this.#table = stsz?.content.subarray(12) ?? Buffer.alloc(0);
    if (stsz !== undefined && this.#uniform === 0 && this.count * 4 > this.#table.length) throw malformed('a short stsz');
  }

  /** Of the last `samples` together. */
  lastBytes(samples: number): number {
    if (this.#uniform !== 0) return samples * this.#uniform;
    let total = 0;
    const first = Math.max(0, this.count - samples);
    for (let at = first * 4; at < this.count * 4 && at + 4 <= this.#table.length; at += 4) total += this.#table.readUInt32BE(at);
    return total;
  }
}

/** Every chunk must begin, and the last one end, inside the file. */
function assertSamplesInside(stbl: Buffer, sizes: SampleSizes, fileBytes: number): void {
  const offsets = chunkOffsets(stbl);
  if (offsets.last === undefined) return;
  if (Math.max(offsets.largest, offsets.last + sizes.lastBytes(samplesOfLastChunk(stbl))) > fileBytes) throw truncated();
}

/** By the last line of `stsc` (8.7.4): from which chunk on each has how many samples. */
function samplesOfLastChunk(stbl: Buffer): number {
  const table = descend(stbl, ['stsc'])[0]?.content;
  const lines = table?.readUInt32BE(4) ?? 0;
  return table === undefined || lines === 0 ? 0 : table.readUInt32BE(lines * 12);
}

function chunkOffsets(stbl: Buffer): { largest: number; last: number | undefined } {
  const [narrow, wide] = [descend(stbl, ['stco'])[0]?.content, descend(stbl, ['co64'])[0]?.content];
  const table = narrow ?? wide;
  const entryBytes = narrow === undefined ? 8 : 4;
  let [largest, last]: [number, number | undefined] = [0, undefined];
  const end = table === undefined ? 0 : 8 + table.readUInt32BE(4) * entryBytes;
  if (table !== undefined && end > table.length) throw malformed('a short table of chunks');
  for (let at = 8; table !== undefined && at < end; at += entryBytes) {
    last = narrow === undefined ? Number(table.readBigUInt64BE(at)) : table.readUInt32BE(at);
    largest = Math.max(largest, last);
  }
  return { largest, last };
}

/** `stts` (8.6.1.2): lines of how many samples last how long. */
function sampleDuration(stbl: Buffer): number {
  const table = descend(stbl, ['stts'])[0]?.content;
  let total = 0;
  for (let at = 8; table !== undefined && at + 8 <= table.length; at += 8)
    total += table.readUInt32BE(at) * table.readUInt32BE(at + 4);
  return total;
}

function seconds({ sampleDuration, timescale }: Track): number {
  return timescale === 0 ? 0 : sampleDuration / timescale;
}

/** `mvhd` (8.2.2), or of a fragmented file `mehd` (8.8.2). All ones mean that it is not known. */
function movieSeconds(moov: Buffer): number {
  const header = only(moov, ['mvhd']);
  const isWide = header.readUInt8(0) === 1;
  const timescale = header.readUInt32BE(isWide ? 20 : 12);
  const extended = descend(moov, ['mvex', 'mehd'])[0]?.content;
  const duration = extended === undefined ? durationAt(header, isWide ? 24 : 16) : durationAt(extended, 4);
  return timescale === 0 ? 0 : duration / timescale;
}

function durationAt(fullBox: Buffer, at: number): number {
  if (fullBox.readUInt8(0) === 1) {
    const duration = fullBox.readBigUInt64BE(at);
    return duration === 0xffff_ffff_ffff_ffffn ? 0 : Number(duration);
  }
  const duration = fullBox.readUInt32BE(at);
  return duration === 0xffff_ffff ? 0 : duration;
}
