import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** The last column of the threat table: files, each with sentences of tests that are in it. */
const rows = readFileSync('SECURITY.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| (?!threat |---)/.test(line))
  .map((line) => line.split(' | '))
  .map(([threat = '', , shownBy = '']) => ({ threat: threat.replace(/^\| /, ''), shownBy }));

describe('the threat table of SECURITY.md', () => {
  test('has rows', () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  test.each(rows.map(({ threat, shownBy }) => [threat, shownBy] as const))('%s: its tests are there', (_threat, shownBy) => {
    const references = shownBy.split('; `').map((each) => /^`?([a-z0-9/.-]+)` (.+)$/.exec(each.replace(/ \|$/, '')));
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      const [, file = 'none', sentences = ''] = reference ?? [];
      const path = `test/${file}`;
      expect({ path, exists: existsSync(path) }).toEqual({ path, exists: true });
      const text = readFileSync(path, 'utf8').replaceAll("\\'", "'");
      const quoted = [...sentences.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '');
      expect(quoted.length).toBeGreaterThan(0);
      for (const sentence of quoted)
        expect({ path, sentence, isThere: text.includes(sentence) }).toEqual({ path, sentence, isThere: true });
    }
  });
});
