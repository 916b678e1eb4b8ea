import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { compiledFolder } from './compile.ts';
import { startFlags, startVariables } from './start-script.ts';

/** A Mediakeep process, of the sources as the run of tests found them (see compile.ts). */
export interface Run {
  readonly child: ChildProcess;
  /** Everything it has printed, both streams. */
  output(): string;
  /** Resolves with the first match of what it prints; rejects when it ends before, or after 60 s. */
  printed(pattern: RegExp): Promise<string>;
  /** Resolves with the exit code when it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts `src/<entry>.ts`, compiled, with only `environment` and what a process needs to live. */
export function run(entry: string, environment: Record<string, string>, args: readonly string[] = []): Run {
  return start([...nodeOn(entry), ...args], environment);
}

/** Starts the server with the options and variables of `npm start`: for whoever measures its memory. */
export function runServer(environment: Record<string, string>): Run {
  const [node = '', ...script] = nodeOn('main');
  return start([node, ...startFlags(), ...script], { ...startVariables(), ...environment });
}

/** The same as {@link run}, in a shell that lets it write no file larger than so many bytes (a multiple of 512): every write past that fails, as on a disk that fills up. */
export function runCramped(entry: string, environment: Record<string, string>, largestFileBytes: number): Run {
  return start(['sh', '-c', `ulimit -f ${largestFileBytes / 512}; exec "$@"`, 'sh', ...nodeOn(entry)], environment);
}

function nodeOn(entry: string): string[] {
  return [process.execPath, `${compiledFolder}/src/${entry}.js`];
}

function start([command = '', ...args]: readonly string[], environment: Record<string, string>): Run {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const watch of watchers) watch();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const printed = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${why} before it printed ${pattern}:\n${output}`));
      const patience = setTimeout(() => fail('60 s passed'), 60_000);
      const watch = (): void => {
        const match = pattern.exec(output);
        if (match === null) return;
        clearTimeout(patience);
        watchers.delete(watch);
        resolve(match[1] ?? match[0]);
      };
      watchers.add(watch);
      void ended.then(() => fail('It ended'));
      watch();
    });
  return { child, output: () => output, printed, ended };
}
