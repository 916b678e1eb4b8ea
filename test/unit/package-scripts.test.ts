import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

// npm hands SIGTERM to the shell of the script; a shell that waits for Node would end and leave it running.
test.each(['start', 'worker'])('a signal to `npm run %s` reaches the process: its shell becomes it', (name) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts[name]).toMatch(/&& exec node [^&;|]+$/);
});
