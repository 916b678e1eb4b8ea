import { describe, expect, test } from '@jest/globals';
import { crc32c as native } from '@node-rs/crc32';
import fc from 'fast-check';
import { crc32c, toBase64 } from '../../src/client/crc32c.ts';

describe('the checksum', () => {
  test('is CRC32C, of bytes at any place in memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(8), (bytes, start) => {
        const part = bytes.subarray(start);
        expect(crc32c(part)).toBe(native(Buffer.from(part)));
      }),
    );
  });

  test('goes on from that of the bytes before', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (first, second) => {
        expect(crc32c(second, crc32c(first))).toBe(native(Buffer.concat([first, second])));
      }),
    );
  });

  test('is written as Google writes it', () => {
    // RFC 3720, B.4: 32 bytes of zeros; and the catalogue's check value.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(toBase64(crc32c(new TextEncoder().encode('123456789')))).toBe('4waSgw==');
    expect(toBase64(0)).toBe('AAAAAA==');
  });
});
