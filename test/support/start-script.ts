import { readFileSync } from 'node:fs';

/** Node's options as `npm start` gives them, so that what is measured is what runs. */
export function startFlags(): string[] {
  return startScript().match(/--[a-z][a-z0-9=-]*/g) ?? [];
}

/** The variables that `npm start` sets, for the same reason. */
export function startVariables(): Record<string, string> {
  const assignments = startScript().matchAll(/\b([A-Z][A-Z0-9_]*)=(\S+)/g);
  return Object.fromEntries(Array.from(assignments, ([, name = '', value = '']) => [name, value]));
}

function startScript(): string {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  return scripts.start;
}
