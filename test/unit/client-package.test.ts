import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** The client, gzipped, in bytes. When it has changed on purpose, so does this number; nothing may bring it to 10,000. */
const recordedBytes = 7895;
const toleratedBytes = 150;

describe('the package for clients', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mediakeep-client-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  /** What a bundler makes of a page's script: for browsers, so that an import of Node's would fail; by its command, because its library minds Jest's globals. */
  const bundled = async (script: string): Promise<string> => {
    const file = join(folder, 'page.mjs');
    await writeFile(file, script);
    const made = join(folder, 'made.mjs');
    const how = ['--bundle', '--minify', '--format=esm', '--platform=browser', `--outfile=${made}`];
    await promisify(execFile)('node_modules/.bin/esbuild', [file, ...how]);
    return await readFile(made, 'utf8');
  };
  const client = JSON.stringify(join(process.cwd(), 'src/client/index.ts'));

  test('is small, and needs nothing else', async () => {
    const everything = await bundled(`export * from ${client}`);
    expect(/\bimport[ ({*"]|\brequire\(|\bfrom"/.exec(everything)).toBeNull();
    const sizeBytes = gzipSync(everything, { level: 9 }).length;
    expect(sizeBytes).toBeLessThan(10_000);
    expect(Math.abs(sizeBytes - recordedBytes)).toBeLessThanOrEqual(toleratedBytes);
  });

  test('leaves out of a page what that does not use', async () => {
    const page = await bundled(`import { createClient } from ${client}; createClient({ url: '/' });`);
    expect(page).toContain('createUpload');
    expect(page).not.toMatch(/removeItem|ImageForPage/);
    const errors = await bundled(`export { MediakeepError } from ${client}`);
    expect(errors.length).toBeLessThan(500);
    const storage = await bundled(`export { webStorage } from ${client}`);
    expect(storage.length).toBeLessThan(300);
    const document = await bundled(`export { MyUsageDocument } from ${client}`);
    expect(document.length).toBeLessThan(500);
  });

  test('runs in Node as it is', async () => {
    const script = await bundled(
      `import { createClient, MyUsageDocument } from ${client}; console.log(typeof createClient({ url: 'x' }).upload, String(MyUsageDocument).includes('myUsage'));`,
    );
    await writeFile(join(folder, 'run.mjs'), script);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'run.mjs')]);
    expect(stdout).toBe('function true\n');
  });

  test('is used in the README as in an example that is type-checked', async () => {
    const readme = await readFile('README.md', 'utf8');
    expect(readme).toContain(`\`\`\`ts\n${await readFile('examples/sdk-short.ts', 'utf8')}\`\`\``);
  });

  test.each([
    ['apollo-link', /ApolloLink\.from\(\[.*?\n *\]\);/s],
    ['urql-exchange', /new Client\(\{.*?\n *\}\);/s],
  ])('is put before another client in the README as in the example %s, token and all', async (name, part) => {
    const [code] = part.exec(await readFile(`examples/${name}.ts`, 'utf8')) ?? [''];
    const [margin = ''] = /\n *(?=.*$)/.exec(code.slice(code.lastIndexOf('\n'))) ?? [];
    expect(code).toContain('Authorization');
    expect(await readFile('README.md', 'utf8')).toContain(code.replaceAll(margin, '\n'));
  });

  test('exports what the build makes', async () => {
    const { exports, files } = JSON.parse(await readFile('package.json', 'utf8')) as {
      exports: Record<string, { types: string; default: string }>;
      files: string[];
    };
    expect(Object.keys(exports)).toEqual(['./client', './client/apollo', './client/urql']);
    for (const { types, default: script } of Object.values(exports)) {
      const source = script.replace('./dist/', '').replace(/\.js$/, '.ts');
      expect((await stat(source)).isFile()).toBe(true);
      expect(types).toBe(script.replace(/\.js$/, '.d.ts'));
      expect(files.some((each) => script.startsWith(`./${each}`))).toBe(true);
    }
  });
});

describe('the SDK packed alone', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mediakeep-consumer-'));
    const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'pack:client']);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const how = ['--offline', '--no-audit', '--no-fund', join(process.cwd(), 'dist', stdout.trim())];
    await promisify(execFile)('npm', ['install', ...how], { cwd: folder });
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true }));

  test('brings nothing else along, offline', async () => {
    const names = await readdir(join(folder, 'node_modules'));
    expect(names.filter((name) => !name.startsWith('.'))).toEqual(['mediakeep']);
    const files = await readdir(join(folder, 'node_modules/mediakeep'));
    expect(files.toSorted()).toEqual(['LICENSE', 'client', 'package.json']);
    const [whole, own] = await Promise.all(
      ['package.json', join(folder, 'node_modules/mediakeep/package.json')].map(async (path) =>
        JSON.parse(await readFile(path, 'utf8')),
      ),
    );
    expect(own).toMatchObject({ name: whole.name, version: whole.version, license: whole.license });
    expect(Object.keys(own.exports)).toEqual(Object.keys(whole.exports));
    for (const path of Object.values<{ types: string; default: string }>(own.exports).flatMap(Object.values)) {
      expect((await stat(join(folder, 'node_modules/mediakeep', path))).isFile()).toBe(true);
    }
    expect(own.dependencies).toBeUndefined();
    expect(Object.keys(own.peerDependenciesMeta)).toEqual(Object.keys(own.peerDependencies));
  });

  test('has for a peer everything that its files import', async () => {
    const client = join(folder, 'node_modules/mediakeep/client');
    const { peerDependencies } = JSON.parse(await readFile(join(client, '../package.json'), 'utf8'));
    const texts = await Promise.all((await readdir(client)).map((name) => readFile(join(client, name), 'utf8')));
    const imported = texts.flatMap((text) => [...text.matchAll(/\bfrom '([^.'][^']*)'/g)].map(([, name]) => name));
    expect([...new Set(imported)].toSorted()).toEqual(Object.keys(peerDependencies).toSorted());
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ])(
    'has types for a strict project that resolves as %s, and runs in Node',
    async (moduleResolution, module) => {
      await writeFile(
        join(folder, 'use.ts'),
        `import { type Asset, createClient, MediakeepError, MyUsageDocument, type UploadOptions, webStorage } from 'mediakeep/client';
      const how: UploadOptions = { title: 'At the sea', onProgress: ({ sentBytes }) => void sentBytes.toFixed() };
      export const shown = (asset: Asset): number => (asset.kind === 'IMAGE' ? asset.width : (asset.duration ?? 0));
      // @ts-expect-error: a title is a text
      export const wrong: UploadOptions = { title: 5 };
      const client = createClient({ url: 'http://127.0.0.1:1', retry: { attempts: 1 } });
      const code = await client.upload(new Blob(['x'], { type: 'image/png' }), how).then(shown, (error: unknown) =>
        error instanceof MediakeepError ? error.code : error);
      console.log(code, typeof webStorage, String(MyUsageDocument).includes('myUsage'));`,
      );
      const compilerOptions = {
        ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, types: [], target: 'es2024', module },
        ...{ moduleResolution, lib: ['es2024', 'dom', 'dom.iterable'], outDir: `made-${module}` },
      };
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
      const made = await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder]).catch(
        (error) => error,
      );
      expect(made.stdout).toBe('');
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `made-${module}/use.js`)]);
      expect(stdout).toBe('NETWORK function true\n');
    },
    60_000,
  );
});
