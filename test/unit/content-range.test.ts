import { describe, expect, test } from '@jest/globals';
import { readPutRange } from '../../src/http/content-range.ts';

describe('what a PUT to a session says it carries', () => {
  test.each([
    [undefined, { what: 'bytes', start: 0, end: undefined, total: undefined }],
    ['bytes */*', { what: 'ask', total: undefined }],
    ['bytes */0', { what: 'ask', total: 0 }],
    ['bytes */5368709120', { what: 'ask', total: 5_368_709_120 }],
    ['bytes 0-0/1', { what: 'bytes', start: 0, end: 1, total: 1 }],
    ['bytes 262144-524287/*', { what: 'bytes', start: 262_144, end: 524_288, total: undefined }],
    ['bytes 5-*/10', { what: 'bytes', start: 5, end: undefined, total: 10 }],
  ])('%p is read', (header, expected) => {
    expect(readPutRange(header)).toEqual(expected);
  });

  test.each([
    '',
    'bytes',
    'bytes ',
    '*/*',
    'bytes 0--1/0',
    'bytes -1-5/10',
    'bytes 5-4/10',
    'bytes 0-NaN/10',
    'bytes NaN-5/10',
    'bytes 0-5',
    'bytes 0-5/',
    'bytes 0-5/-10',
    'bytes 0x1-5/10',
    'bytes 0-5/1e3',
    'bytes 0-9999999999999999/*',
    'bytes 99999999999999999999-99999999999999999999/99999999999999999999',
    'bytes=0-5/10',
    'items 0-5/10',
    'bytes 0-5/10, bytes 6-9/10',
    'bytes 0-5/10\nbytes',
  ])('%p makes no sense', (header) => {
    expect(readPutRange(header)).toBeUndefined();
  });
});
