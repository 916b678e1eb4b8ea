import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformFileSync } from '@swc/core';

/** Where {@link compileSources} puts what processes run. Below the project, so that they find its packages. */
export const compiledFolder = 'dist/for-tests';

/**
 * Makes JavaScript of src/, in a fraction of a second: each process that would do that for itself at its start would take seconds of CPU more.
 * Types are checked elsewhere. Only erasable TypeScript here: Jest's global setup loads it through Node's type stripping.
 */
export function compileSources(): void {
  for (const name of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.ts')) compile(join('src', name));
  }
}

/** As Jest's (jest.config.js), for Node. `rewriteRelativeImportExtensions` is not in swc's types yet, which an object of its own does not mind. */
const swcOptions = {
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
    keepClassNames: true,
    rewriteRelativeImportExtensions: true,
  },
  module: { type: 'es6' },
  swcrc: false,
} as const;

function compile(file: string): void {
  const { code } = transformFileSync(file, swcOptions);
  const compiled = join(compiledFolder, file.replace(/\.ts$/, '.js'));
  // Another run may have processes on it at this moment.
  if (existsSync(compiled) && readFileSync(compiled, 'utf8') === code) return;
  mkdirSync(dirname(compiled), { recursive: true });
  writeFileSync(compiled, code);
}
