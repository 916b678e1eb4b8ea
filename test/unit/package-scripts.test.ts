import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { startFlags, startVariables } from '../support/start-script.ts';

// npm hands SIGTERM to the shell of the script; a shell that waits for Node would end and leave it running.
test.each(['start', 'worker'])('a signal to `npm run %s` reaches the process: its shell becomes it', (name) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts[name]).toMatch(/&& exec node [^&;|]+$/);
});

test('the image runs Node with the flags and variables of `npm start`', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8');
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  expect(command).toEqual(['node', ...startFlags(), 'dist/src/main.js']);
  for (const [name, value] of Object.entries(startVariables()))
    expect(dockerfile).toMatch(new RegExp(`^ENV .*\\b${name}=${value}\\b`, 'm'));
});

test('an older Node is told what is needed before it meets flags that it does not know', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  expect(scripts.start.indexOf('node dist/src/node-version.js && ')).toBeGreaterThan(0);
  expect(scripts.start.indexOf('node dist/src/node-version.js && ')).toBeLessThan(scripts.start.indexOf(' --'));
});

test('a package made of a fresh clone has code in it, and installing the clone’s own packages builds nothing', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts.prepack).toBe('npm run -s build:server');
  expect(Object.keys(scripts)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(pre|post)?(install|prepare)$/)]));
});
