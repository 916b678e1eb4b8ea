import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** The client, gzipped, in bytes. When it has changed on purpose, so does this number; nothing may bring it to 10,000. */
const recordedBytes = 7570;
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
