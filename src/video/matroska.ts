import type { RangedBytes } from './ranged-bytes.ts';
import { malformed, truncated } from './refusals.ts';
import type { Timing } from './timing.ts';

/**
 * Checks that a WebM or Matroska file has pictures (a cluster) and, if it says how long it is, is that long (RFC 9559). A live recording does not say,
 * and may end anywhere. INVALID_MEDIA otherwise.
 */
export async function checkMatroska(bytes: RangedBytes): Promise<Timing> {
  const rates = new Map<number, number>();
  const segment = await findSegment(bytes);
  const end = segment.end ?? bytes.sizeBytes;
  if (end > bytes.sizeBytes) throw truncated();
  for (let at = segment.start, left = maxElements; ; left--) {
    if (left === 0) throw malformed('too many elements before the first cluster');
    if (at >= end) throw malformed('no cluster');
    const element = await readElement(bytes, at);
    if (element.id === ids.cluster) break;
    if (element.end === undefined) throw malformed('an element of unknown size');
    if (element.id === ids.tracks) {
      if (element.end - element.start > maxTracksBytes) throw malformed(`tracks of ${element.end - element.start} bytes`);
      for (const [id, rate] of frameRates(await bytes.read(element.start, element.end - element.start))) rates.set(id, rate);
    }
    at = element.end;
  }
  return { durationSeconds: 0, sampleCount: () => undefined, frameRate: (id) => rates.get(id) ?? null };
}

const ids = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  cluster: 0x1f43b675,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  defaultDuration: 0x23e383,
};

/** Most elements before the first cluster; a file has a handful. */
const maxElements = 1000;

/** Tracks carry their codecs' headers and nothing larger. */
const maxTracksBytes = 4 * 1024 * 1024;

interface Element {
  readonly id: number;
  readonly start: number;
  /** Undefined when the size is not known. */
  readonly end: number | undefined;
}

async function findSegment(bytes: RangedBytes): Promise<Element> {
  const head = await readElement(bytes, 0);
  if (head.id !== ids.ebml || head.end === undefined) throw malformed('no EBML header');
  for (let at = head.end, left = maxElements; left > 0; left--) {
    const element = await readElement(bytes, at);
    if (element.id === ids.segment) return element;
    if (element.end === undefined) break;
    at = element.end;
  }
  throw malformed('no segment');
}

async function readElement(bytes: RangedBytes, at: number): Promise<Element> {
  const element = parseElement(await bytes.read(at, Math.min(12, Math.max(2, bytes.sizeBytes - at))));
  return { ...element, start: at + element.start, end: element.end === undefined ? undefined : at + element.end };
}

/** An id and a size of variable length (RFC 8794, 4): the leading zeros of the first byte say how many more there are. */
function parseElement(bytes: Buffer): Element {
  const idBytes = Math.clz32(bytes.readUInt8(0)) - 23;
  if (idBytes > 4) throw malformed('an id of more than 4 bytes');
  const id = bytes.readUIntBE(0, idBytes);
  const sizeBytes = Math.clz32(bytes.readUInt8(idBytes)) - 23;
  if (sizeBytes > 8) throw malformed('a size of more than 8 bytes');
  let size = BigInt(bytes.readUInt8(idBytes) & (0xff >> sizeBytes));
  for (let index = 1; index < sizeBytes; index++) size = size * 256n + BigInt(bytes.readUInt8(idBytes + index));
  const start = idBytes + sizeBytes;
  const isUnknown = size === 2n ** BigInt(7 * sizeBytes) - 1n;
  return { id, start, end: isUnknown ? undefined : start + Number(size) };
}

/** The pictures a second of the tracks that say how long one lasts (DefaultDuration, in nanoseconds). */
function* frameRates(tracks: Buffer): Generator<[id: number, rate: number]> {
  for (const entry of elementsIn(tracks)) {
    if (entry.id !== ids.trackEntry) continue;
    const fields = new Map(elementsIn(entry.content).map(({ id, content }) => [id, content]));
    const [id, nanoseconds] = [unsigned(fields.get(ids.trackNumber)), unsigned(fields.get(ids.defaultDuration))];
    if (nanoseconds > 0) yield [id, 1e9 / nanoseconds];
  }
}

function elementsIn(parent: Buffer): { id: number; content: Buffer }[] {
  const found: { id: number; content: Buffer }[] = [];
  for (let at = 0; at + 2 <= parent.length; ) {
    const { id, start, end } = parseElement(parent.subarray(at, at + 12));
    if (end === undefined || at + end > parent.length || found.length === maxElements)
      throw malformed('a track that is not well built');
    found.push({ id, content: parent.subarray(at + start, at + end) });
    at += end;
  }
  return found;
}

function unsigned(content: Buffer | undefined): number {
  if (content === undefined || content.length === 0) return 0;
  return content.length > 6 ? Number(content.readBigUInt64BE(0)) : content.readUIntBE(0, content.length);
}
