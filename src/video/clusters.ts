import { type Element, readElement } from './ebml.ts';

/** When a picture or a piece of sound is shown, in the segment's ticks. */
export interface Block {
  readonly track: number;
  readonly time: number;
}

/** The first bytes of a cluster's id, whichever way it is looked for. */
export const clusterId = 0x1f43b675;

/** All blocks whose heads lie in `bytes`, which begin with a cluster and may end anywhere. Never more steps than bytes. */
export function blocksOf(bytes: Buffer): Block[] {
  const blocks: Block[] = [];
  let clusterTime = 0;
  for (let at = 0; at < bytes.length; ) {
    const element = tryRead(bytes, at);
    if (element === undefined) break;
    const content = bytes.subarray(at + element.start);
    if (element.id === timestampId && element.end !== undefined) clusterTime = readTime(content, element.end - element.start);
    if (element.id === simpleBlockId || element.id === blockId) {
      const block = readBlock(content, clusterTime);
      if (block !== undefined) blocks.push(block);
    }
    const isOpened = element.id === clusterId || element.id === blockGroupId;
    if (!isOpened && element.end === undefined) break;
    at += isOpened ? element.start : (element.end ?? element.start);
  }
  return blocks;
}

/** The blocks of the last cluster that begins in `bytes`, the end of a file. Its id may occur in pictures too: it counts when a timestamp follows. */
export function lastBlocksOf(bytes: Buffer): Block[] {
  let at = bytes.lastIndexOf(clusterIdBytes);
  for (let tries = 16; at !== -1 && tries > 0; tries--) {
    const cluster = tryRead(bytes, at);
    const child = cluster === undefined ? undefined : tryRead(bytes, at + cluster.start);
    if (child?.id === timestampId) return blocksOf(bytes.subarray(at));
    at = at === 0 ? -1 : bytes.lastIndexOf(clusterIdBytes, at - 1);
  }
  return [];
}

const clusterIdBytes = Buffer.from('1f43b675', 'hex');
const timestampId = 0xe7;
const simpleBlockId = 0xa3;
const blockGroupId = 0xa0;
const blockId = 0xa1;

/** Undefined where nothing can be read, be it the end or damage. */
function tryRead(bytes: Buffer, at: number): Element | undefined {
  try {
    return readElement(bytes, at);
  } catch {
    return undefined;
  }
}

function readTime(content: Buffer, sizeBytes: number): number {
  return sizeBytes >= 1 && sizeBytes <= 6 && sizeBytes <= content.length ? content.readUIntBE(0, sizeBytes) : 0;
}

/** A track number of variable length, then the time since the cluster's in 16 bits (RFC 9559, 10.1). */
function readBlock(content: Buffer, clusterTime: number): Block | undefined {
  const numberBytes = Math.clz32(content[0] ?? 0) - 23;
  if (numberBytes > 4 || content.length < numberBytes + 2) return undefined;
  const track = content.readUIntBE(0, numberBytes) - 2 ** (7 * numberBytes);
  return { track, time: clusterTime + content.readInt16BE(numberBytes) };
}
