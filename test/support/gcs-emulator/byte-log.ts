import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';

/** Google persists an unfinished upload in steps of 256 KiB. */
export const UPLOAD_QUANTUM_BYTES = 256 * 1024;

/**
 * Bytes in arrival order with their running checksums. With `keepBytes: false` only the size and the CRC32C
 * survive: no bytes and no MD5 (which costs more than the rest of a benchmark together).
 */
export class ByteLog {
  sizeBytes = 0;
  readonly #keepBytes: boolean;
  readonly #md5 = createHash('md5');
  #pieces: Buffer[] = [];
  #crc32c = 0;

  constructor(keepBytes: boolean) {
    this.#keepBytes = keepBytes;
  }

  append(piece: Buffer): void {
    if (piece.length === 0) return;
    this.sizeBytes += piece.length;
    this.#crc32c = crc32c(piece, this.#crc32c);
    if (!this.#keepBytes) return;
    this.#md5.update(piece);
    this.#pieces.push(piece);
  }

  /** Base64 of the big-endian CRC32C, as in the object resource. */
  crc32cBase64(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc32c);
    return bytes.toString('base64');
  }

  /** Base64 MD5; undefined when the bytes are not kept. */
  md5Base64(): string | undefined {
    return this.#keepBytes ? this.#md5.copy().digest('base64') : undefined;
  }

  /** Everything so far, joined once and remembered. Throws when the bytes are not kept. */
  toBuffer(): Buffer {
    if (!this.#keepBytes) throw new Error('this emulator was started with keepBytes: false');
    const [only] = this.#pieces;
    if (only !== undefined && this.#pieces.length === 1) return only;
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}
