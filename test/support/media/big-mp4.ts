import { Readable } from 'node:stream';
import { CountedBytes } from './counted-bytes.ts';
import { sample } from './files.ts';

/** How a big MP4 is laid out. */
export interface BigMp4 {
  /** The whole file, at least 6000. */
  readonly sizeBytes: number;
  /** Where the index is; at the front unless told. */
  readonly moov?: 'first' | 'last';
}

/**
 * A valid MP4 of any size that takes no memory to speak of: the picture and sound of faststart.mp4 (or moov-last.mp4) in an `mdat` box with a
 * 64-bit size, padded with zeros.
 */
export async function bigMp4(layout: BigMp4): Promise<Readable> {
  const { parts, paddingBytes } = await plan(layout);
  return Readable.from(pieces(parts, paddingBytes), { objectMode: false, highWaterMark: pieceBytes });
}

/** The bytes of the same file in any order. */
export async function bigMp4Bytes(layout: BigMp4): Promise<CountedBytes> {
  const { parts, paddingBytes } = await plan(layout);
  return new CountedBytes(layout.sizeBytes, (range) => {
    const bytes = Buffer.alloc(range.end - range.start + 1);
    const copy = (part: Buffer, partStart: number): void => {
      const [start, end] = [Math.max(partStart, range.start), Math.min(partStart + part.length, range.end + 1)];
      if (start < end) part.copy(bytes, start - range.start, start - partStart, end - partStart);
    };
    copy(parts.head, 0);
    copy(parts.tail, parts.head.length + paddingBytes);
    return bytes;
  });
}

const pieceBytes = 256 * 1024;

/** Both samples have an empty `free` box right before `mdat`: together their headers make room for one of 64 bits, so no sample moves. */
async function plan({
  sizeBytes,
  moov = 'first',
}: BigMp4): Promise<{ parts: { head: Buffer; tail: Buffer }; paddingBytes: number }> {
  const file = Buffer.from(await sample(moov === 'first' ? 'faststart.mp4' : 'moov-last.mp4'));
  if (sizeBytes < file.length) throw new RangeError(`A big MP4 has at least ${file.length} bytes`);
  const header = file.indexOf('mdat', 0, 'latin1') - 12;
  const mdatEnd = header + 8 + file.readUInt32BE(header + 8);
  const tail = file.subarray(mdatEnd);
  file.writeUInt32BE(1, header);
  file.write('mdat', header + 4, 'latin1');
  file.writeBigUInt64BE(BigInt(sizeBytes - header - tail.length), header + 8);
  return { parts: { head: file.subarray(0, mdatEnd), tail }, paddingBytes: sizeBytes - file.length };
}

function* pieces({ head, tail }: { head: Buffer; tail: Buffer }, paddingBytes: number): Generator<Buffer> {
  yield head;
  const zeros = Buffer.alloc(pieceBytes);
  for (let left = paddingBytes; left > 0; left -= pieceBytes) yield left < pieceBytes ? zeros.subarray(0, left) : zeros;
  if (tail.length > 0) yield tail;
}
