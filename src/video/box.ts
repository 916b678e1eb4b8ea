import { malformed, truncated } from './refusals.ts';

/** An ISO box that lies in memory (ISO 14496-12, 4.2). */
export interface Box {
  readonly type: string;
  /** What follows the header. */
  readonly content: Buffer;
}

/** What a box's first bytes say. */
export interface BoxHeader {
  readonly type: string;
  readonly headerBytes: number;
  /** With the header; undefined: to the end of the file. */
  readonly sizeBytes: number | undefined;
}

/** Reads a header out of up to 16 bytes. INVALID_MEDIA when it claims fewer bytes than itself. */
export function readBoxHeader(bytes: Buffer): BoxHeader {
  if (bytes.length < 8) throw truncated();
  const type = bytes.toString('latin1', 4, 8);
  const short = bytes.readUInt32BE(0);
  if (short === 0) return { type, headerBytes: 8, sizeBytes: undefined };
  if (short === 1 && bytes.length < 16) throw truncated();
  const sizeBytes = short === 1 ? Number(bytes.readBigUInt64BE(8)) : short;
  const headerBytes = short === 1 ? 16 : 8;
  if (sizeBytes < headerBytes) throw malformed(`a box of ${sizeBytes} bytes`);
  return { type, headerBytes, sizeBytes };
}

/** The boxes inside a box. INVALID_MEDIA when one reaches beyond it. */
export function* boxesIn(content: Buffer): Generator<Box> {
  // Fewer bytes than a header are the terminator or the padding that QuickTime allows.
  for (let at = 0; at + 8 <= content.length; ) {
    const { type, headerBytes, sizeBytes = content.length - at } = readBoxHeader(content.subarray(at, at + 16));
    if (at + sizeBytes > content.length) throw malformed(`the box ${type} reaches beyond its parent`);
    yield { type, content: content.subarray(at + headerBytes, at + sizeBytes) };
    at += sizeBytes;
  }
}

/** All boxes at the end of a path of types. */
export function descend(content: Buffer, [type, ...rest]: readonly string[]): Box[] {
  const found = [...boxesIn(content)].filter((box) => box.type === type);
  return rest.length === 0 ? found : found.flatMap((box) => descend(box.content, rest));
}
