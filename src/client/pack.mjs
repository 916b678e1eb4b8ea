import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/*
 * npm run pack:client: dist/client-package, the SDK as a package of its own, out of the same sources and under the same name and version, and of it a
 * tarball. Whoever installs the whole package gets all that the server depends on; whoever installs this one gets nothing else.
 */

const folder = 'dist/client-package';
const whole = JSON.parse(readFileSync('package.json', 'utf8'));

/** What the entries for other clients import, for those alone who use them. */
const peers = { ...whole.peerDependencies, graphql: whole.dependencies.graphql.replace(/^(\d+)\..*$/, '^$1.0.0') };

const own = {
  name: whole.name,
  version: whole.version,
  description: 'Uploads to Mediakeep and reads from it, for browsers and Node.',
  license: whole.license,
  type: whole.type,
  sideEffects: whole.sideEffects,
  exports: JSON.parse(JSON.stringify(whole.exports).replaceAll('./dist/src/', './')),
  files: ['client'],
  engines: whole.engines,
  peerDependencies: peers,
  peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((name) => [name, { optional: true }])),
};

rmSync(folder, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'src/client/tsconfig.json'], { stdio: 'inherit' });
copyFileSync('LICENSE', `${folder}/LICENSE`);
writeFileSync(`${folder}/package.json`, `${JSON.stringify(own, null, 2)}\n`);
