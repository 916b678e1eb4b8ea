import type { ByteRange, RandomAccessBytes } from '../../../src/media/ports.ts';

/** Random access to bytes in memory, or to what `fill` makes of a range, that remembers what was read. */
export class CountedBytes implements RandomAccessBytes {
  readonly sizeBytes: number;
  readonly reads: ByteRange[] = [];
  readonly #fill: (range: ByteRange) => Buffer | Promise<Buffer>;

  constructor(sizeBytes: number, fill: (range: ByteRange) => Buffer | Promise<Buffer>) {
    this.sizeBytes = sizeBytes;
    this.#fill = fill;
  }

  static of(bytes: Buffer): CountedBytes {
    return new CountedBytes(bytes.length, ({ start, end }) => bytes.subarray(start, end + 1));
  }

  /** How many bytes were read in all. */
  get readBytes(): number {
    return this.reads.reduce((total, { start, end }) => total + end - start + 1, 0);
  }

  async read(range: ByteRange): Promise<Buffer> {
    if (range.start < 0 || range.end < range.start || range.end >= this.sizeBytes)
      throw new RangeError('A range outside the file');
    this.reads.push(range);
    return await this.#fill(range);
  }
}
