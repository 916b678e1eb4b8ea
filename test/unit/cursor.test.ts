import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from '../../src/media/cursor.ts';

const id = '018f0000-0000-7000-8000-000000000000';

describe('a cursor', () => {
  test('comes back as the position it was made of', () => {
    const position = { createdAt: new Date('2026-01-01T00:00:00.123Z'), id };
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
  });

  test.each([
    '',
    'abc',
    Buffer.from('1.2').toString('base64url'),
    Buffer.from(`x.${id}`).toString('base64url'),
    Buffer.from(`999999999999999.${id}`).toString('base64url'),
    Buffer.from(`0001.${id}`).toString('base64url'),
    Buffer.from(`1.${id.toUpperCase()}`).toString('base64url'),
    `${encodeCursor({ createdAt: new Date(1), id })}=`,
  ])('%j is BAD_USER_INPUT', (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  test('any text either decodes to what encodes to it or is BAD_USER_INPUT', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        try {
          return encodeCursor(decodeCursor(text)) === text;
        } catch (error) {
          return (error as { code?: string }).code === 'BAD_USER_INPUT';
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
