import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';

interface Licences {
  readonly known: Readonly<Record<string, string>>;
  packages(): { name: string; licence: string }[];
  text(): string;
}

const { known, packages, text } = (await import(pathToFileURL('docs/licences.mjs').href)) as Licences;

describe('what comes along', () => {
  test('has only licences that somebody has looked at', () => {
    expect(packages().filter(({ licence }) => !(licence in known))).toEqual([]);
  });

  test('is listed in docs/licences.md as it is (`npm run licences` writes it anew)', () => {
    expect(readFileSync('docs/licences.md', 'utf8')).toBe(text());
  });
});
