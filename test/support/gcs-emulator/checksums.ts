import type { ByteLog } from './byte-log.ts';
import { invalid } from './reply.ts';

/** Checksums a client holds its bytes against, base64. */
export type Checksums = { crc32c?: string; md5Hash?: string };

/** Reads `X-Goog-Hash: crc32c=..., md5=...`; 400 for an algorithm Google does not know or a value that is not base64 of the right length. */
export function parseGoogHash(header: string | undefined): Checksums {
  const sums: Checksums = {};
  for (const part of header?.split(',') ?? []) {
    const [algorithm = '', value = ''] = splitOnce(part.trim());
    const length = HASH_LENGTHS[algorithm];
    if (length === undefined || Buffer.from(value, 'base64').length !== length)
      throw invalid(`Invalid X-Goog-Hash: ${part.trim()}`);
    if (algorithm === 'crc32c') sums.crc32c = value;
    else sums.md5Hash = value;
  }
  return sums;
}

/** 400 when the bytes are not those the client means. An MD5 cannot be checked when the emulator keeps no bytes: 400 too. */
export function verifyChecksums(bytes: ByteLog, expected: Checksums): void {
  const crc32c = bytes.crc32cBase64();
  if (expected.crc32c !== undefined && expected.crc32c !== crc32c) throw mismatch('CRC32C', expected.crc32c, crc32c);
  if (expected.md5Hash === undefined) return;
  const md5 = bytes.md5Base64();
  if (md5 === undefined) throw invalid('This emulator keeps no bytes and computes no MD5.');
  if (expected.md5Hash !== md5) throw mismatch('MD5 hash', expected.md5Hash, md5);
}

const HASH_LENGTHS: Record<string, number> = { crc32c: 4, md5: 16 };

function splitOnce(part: string): [string, string] {
  // Base64 padding is an equals sign too: only the first one separates.
  const cut = part.indexOf('=');
  return cut === -1 ? [part, ''] : [part.slice(0, cut), part.slice(cut + 1)];
}

function mismatch(kind: string, provided: string, calculated: string): Error {
  return invalid(`Provided ${kind} "${provided}" doesn't match calculated ${kind} "${calculated}".`);
}
