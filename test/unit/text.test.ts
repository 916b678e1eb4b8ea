import { describe, expect, test } from '@jest/globals';
import { cleanDescription, cleanFilename, cleanTags, maxFilenameBytes, maxTags } from '../../src/media/text.ts';

describe('a filename', () => {
  test.each([
    ['holiday.jpg', 'holiday.jpg'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\photo.png', 'photo.png'],
    ['a\u0000b\u001b[31m.jpg', 'ab[31m.jpg'],
    ['innocent\u202egnp.exe', 'innocentgnp.exe'],
    ['two\r\nlines.jpg', 'twolines.jpg'],
    ['  spaced .jpg ', 'spaced .jpg'],
    ['cafe\u0301.jpg', 'café.jpg'],
    ['👩\u200d👩\u200d👧.jpg', '👩\u200d👩\u200d👧.jpg'],
    ['half\ud800.jpg', 'half\ufffd.jpg'],
    ['..', 'file'],
    ['', 'file'],
    [undefined, 'file'],
    [null, 'file'],
  ])('%j becomes %j', (raw, clean) => {
    expect(cleanFilename(raw)).toBe(clean);
  });

  test('is cut to 255 bytes between characters, its extension kept', () => {
    const clean = cleanFilename(`${'ü'.repeat(300)}.jpeg`);
    expect(Buffer.byteLength(clean)).toBeLessThanOrEqual(maxFilenameBytes);
    expect(clean).toMatch(/^ü+\.jpeg$/);
    expect(Buffer.byteLength(cleanFilename('x'.repeat(400)))).toBe(maxFilenameBytes);
  });
});

describe('a description', () => {
  test('is trimmed; blank and missing texts are null', () => {
    expect(cleanDescription({ title: '  Sunset ', altText: '   ' })).toEqual({ title: 'Sunset', altText: null, tags: [] });
  });

  test('takes each tag once', () => {
    expect(cleanTags(['sea', ' sea ', 'sun'])).toEqual(['sea', 'sun']);
  });

  test.each([
    [{ title: 'a\u0000b' }, /title.*NUL/],
    [{ altText: 'half \udc00' }, /altText.*Unicode/],
    [{ title: 'x'.repeat(301) }, /title.*301.*300/],
    [{ tags: [''] }, /tags.*empty/],
    [{ tags: ['x'.repeat(65)] }, /tags.*65.*64/],
    [{ tags: Array.from({ length: maxTags + 1 }, (_, index) => `t${index}`) }, /tags.*51.*50/],
  ])('%j is BAD_USER_INPUT and says why', (raw, message) => {
    expect(() => cleanDescription(raw)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) }),
    );
  });
});
