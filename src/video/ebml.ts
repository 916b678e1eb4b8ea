import { malformed } from './refusals.ts';

/** An element of Matroska (RFC 8794): its id with the marker bits, and where its content lies, counted from the first byte of the id. */
export interface Element {
  readonly id: number;
  readonly start: number;
  /** Undefined when the size is not known, as in live recordings. */
  readonly end: number | undefined;
}

/** The most bytes that an id and a size take. */
export const maxHeaderBytes = 12;

/** Most elements side by side in what is read whole; a file has a handful. */
export const maxElements = 1000;

/** Reads an id and a size of variable length (RFC 8794, 4): the leading zeros of the first byte say how many more bytes there are. */
export function readElement(bytes: Buffer, at = 0): Element {
  const idBytes = Math.clz32(bytes.readUInt8(at)) - 23;
  if (idBytes > 4) throw malformed('an id of more than 4 bytes');
  const sizeAt = at + idBytes;
  const sizeBytes = Math.clz32(bytes.readUInt8(sizeAt)) - 23;
  if (sizeBytes > 8) throw malformed('a size of more than 8 bytes');
  const mask = 0xff >> sizeBytes;
  let size = bytes.readUInt8(sizeAt) & mask;
  let isUnknown = size === mask;
  for (let index = 1; index < sizeBytes; index++) {
    const byte = bytes.readUInt8(sizeAt + index);
    size = size * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  const start = idBytes + sizeBytes;
  return { id: bytes.readUIntBE(at, idBytes), start, end: isUnknown ? undefined : start + size };
}

/** The elements inside one that lies in memory. INVALID_MEDIA when they do not fill it, or are more than {@link maxElements}. */
export function elementsIn(parent: Buffer): { id: number; content: Buffer }[] {
  const found: { id: number; content: Buffer }[] = [];
  for (let at = 0; at < parent.length; ) {
    const { id, start, end } = readElement(parent, at);
    if (end === undefined || at + end > parent.length) throw malformed('an element that reaches beyond its parent');
    if (found.length === maxElements) throw malformed('too many elements');
    found.push({ id, content: parent.subarray(at + start, at + end) });
    at += end;
  }
  return found;
}

/** An unsigned integer of up to 8 bytes (RFC 8794, 7.2); 0 when absent. */
export function unsigned(content: Buffer | undefined): number {
  let value = 0;
  for (const byte of content?.subarray(0, 8) ?? []) value = value * 256 + byte;
  return value;
}

/** A float of 4 or 8 bytes (RFC 8794, 7.3); 0 when absent. */
export function float(content: Buffer | undefined): number {
  if (content?.length === 4) return content.readFloatBE(0);
  return content?.length === 8 ? content.readDoubleBE(0) : 0;
}
