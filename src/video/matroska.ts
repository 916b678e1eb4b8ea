import { type Block, blocksOf, clusterId, lastBlocksOf } from './clusters.ts';
import { type Element, elementsIn, float, maxElements, maxHeaderBytes, readElement, unsigned } from './ebml.ts';
import type { ContainerOutline } from './outline.ts';
import type { RangedBytes } from './ranged-bytes.ts';
import { malformed, truncated } from './refusals.ts';

/**
 * Checks that a WebM or Matroska file has pictures (a cluster) and, if it says how long it is, is that long (RFC 9559). A live recording does not say,
 * and may end anywhere. INVALID_MEDIA otherwise.
 */
export async function checkMatroska(bytes: RangedBytes): Promise<ContainerOutline> {
  const parts = await readParts(bytes);
  const info = new Map(elementsIn(parts.info).map(({ id, content }) => [id, content]));
  const tracks = elementsIn(parts.tracks).flatMap(({ id, content }) => (id === ids.trackEntry ? [readTrack(content)] : []));
  const secondsPerTick = (unsigned(info.get(ids.timestampScale)) || 1_000_000) / 1e9;
  const pictures = tracks.filter(({ isVideo }) => isVideo);
  const isSure = pictures.every(
    ({ frameRate, codecId }) => frameRate > 0 && !/^V_(MJPEG|PNG|MPEG4\/ISO\/ASP|UNCOMPRESSED|MS)/.test(codecId),
  );
  const opening = isSure
    ? undefined
    : blocksOf(await bytes.read(parts.firstCluster, Math.min(openingBytes, bytes.sizeBytes - parts.firstCluster)));
  const frameRate = (id: number): number | null => {
    const declared = tracks.find((track) => track.id === id)?.frameRate ?? 0;
    return declared > 0 ? declared : averageRate(opening ?? [], id, secondsPerTick);
  };
  return {
    index: indexOf(parts),
    durationSeconds: float(info.get(ids.duration)) * secondsPerTick || (await measureDuration(bytes, secondsPerTick)),
    sampleCount: (id) => opening?.filter(({ track }) => track === id).length,
    frameRate,
  };
}

const ids = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  defaultDuration: 0x23e383,
};

/** How much of the first clusters is read when the tracks do not tell enough: a second of most videos. */
const openingBytes = 1024 * 1024;

/** How much of the end is searched for the last cluster when the file does not say how long it lasts: browsers' recordings never do. */
const closingBytes = 4 * 1024 * 1024;

/** Tracks carry their codecs' headers, Info a few texts. */
const maxPartBytes = 4 * 1024 * 1024;

interface Parts {
  /** The EBML header, whole. */
  readonly head: Buffer;
  /** The contents of these elements. */
  readonly info: Buffer;
  readonly tracks: Buffer;
  readonly firstCluster: number;
}

async function readParts(bytes: RangedBytes): Promise<Parts> {
  const ebml = await elementAt(bytes, 0);
  if (ebml.id !== ids.ebml) throw malformed('no EBML header');
  const head = await partOf(bytes, 0, { ...ebml, start: 0 });
  const segmentAt = head.length;
  const segment = await elementAt(bytes, segmentAt);
  if (segment.id !== ids.segment) throw malformed('no segment');
  const end = segment.end === undefined ? bytes.sizeBytes : segmentAt + segment.end;
  if (end > bytes.sizeBytes) throw truncated();
  const parts = new Map<number, Buffer>();
  for (let at = segmentAt + segment.start, left = maxElements; ; left--) {
    if (at >= end || left === 0) throw malformed('no cluster');
    const element = await elementAt(bytes, at);
    if (element.id === clusterId) {
      const [info, tracks] = [parts.get(ids.info) ?? Buffer.alloc(0), parts.get(ids.tracks)];
      if (tracks === undefined) throw malformed('no tracks');
      return { head, info, tracks, firstCluster: at };
    }
    if (element.id === ids.info || element.id === ids.tracks) parts.set(element.id, await partOf(bytes, at, element));
    if (element.end === undefined) throw malformed('an element of unknown size');
    at += element.end;
  }
}

async function elementAt(bytes: RangedBytes, at: number): Promise<Element> {
  return readElement(await bytes.read(at, Math.max(2, Math.min(maxHeaderBytes, bytes.sizeBytes - at))));
}

async function partOf(bytes: RangedBytes, at: number, { start, end }: Element): Promise<Buffer> {
  if (end === undefined || end - start > maxPartBytes) throw malformed('an element too large to be true');
  return await bytes.read(at + start, end - start);
}

interface Track {
  readonly id: number;
  readonly isVideo: boolean;
  readonly codecId: string;
  /** 0 when the track does not say. */
  readonly frameRate: number;
}

function readTrack(entry: Buffer): Track {
  const fields = new Map(elementsIn(entry).map(({ id, content }) => [id, content]));
  const nanoseconds = unsigned(fields.get(ids.defaultDuration));
  return {
    id: unsigned(fields.get(ids.trackNumber)),
    isVideo: unsigned(fields.get(ids.trackType)) === 1,
    codecId: fields.get(ids.codecId)?.toString('latin1') ?? '',
    frameRate: nanoseconds > 0 ? 1e9 / nanoseconds : 0,
  };
}

function averageRate(blocks: readonly Block[], id: number, secondsPerTick: number): number | null {
  const times = blocks.filter(({ track }) => track === id).map(({ time }) => time);
  // Pictures are stored in the order they are decoded in, not shown.
  times.sort((one, other) => one - other);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  return last > first ? (times.length - 1) / ((last - first) * secondsPerTick) : null;
}

/** When the last block of the file ends, as far as the gaps to those before tell. */
async function measureDuration(bytes: RangedBytes, secondsPerTick: number): Promise<number> {
  const sizeBytes = Math.min(closingBytes, bytes.sizeBytes);
  const blocks = lastBlocksOf(await bytes.read(bytes.sizeBytes - sizeBytes, sizeBytes));
  const last = blocks.reduce((latest, block) => (block.time > latest.time ? block : latest), { track: 0, time: 0 });
  const rate = averageRate(blocks, last.track, secondsPerTick);
  return last.time * secondsPerTick + (rate === null ? 0 : 1 / rate);
}

/** A small file of the same tracks, with an empty cluster: all that mediabunny needs, and nothing it could get lost in. */
function indexOf({ head, info, tracks }: Parts): Buffer {
  const unknownSize = Buffer.from('01ffffffffffffff', 'hex');
  return Buffer.concat([
    head,
    idBytes(ids.segment),
    unknownSize,
    element(ids.info, info),
    element(ids.tracks, tracks),
    element(clusterId, Buffer.alloc(0)),
  ]);
}

function element(id: number, content: Buffer): Buffer {
  const size = Buffer.alloc(8);
  size.writeUIntBE(content.length, 2, 6);
  size.writeUInt8(1, 0);
  return Buffer.concat([idBytes(id), size, content]);
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes;
}
