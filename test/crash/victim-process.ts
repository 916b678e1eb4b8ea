import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Sentence } from './kill-points.ts';

/** A server in a process of its own that can be told where to die. */
export interface Victim {
  readonly url: string;
  /** From now on, this is where it dies. */
  sentence(sentence: Sentence): Promise<void>;
  /** Makes it sweep now. */
  sweep(): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Resolves with where it dies from now on, or with undefined when its sentence names more points than there are. */
  fate(): Promise<string | undefined>;
}

/** Starts one, and waits until it has swept once. */
export async function startVictim(environment: Record<string, string>): Promise<Victim> {
  const child = fork(fileURLToPath(new URL('../../dist/test/crash/victim.js', import.meta.url)), {
    execArgv: [],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines = new Lines(child);
  const [url] = await Promise.all([lines.next('READY '), lines.next('SWEPT')]);
  return {
    url,
    sentence: async (sentence) => {
      child.send(sentence);
      await once(child, 'message');
    },
    sweep: () => {
      child.send('sweep');
    },
    kill: async () => {
      child.kill('SIGKILL');
      await lines.ended;
    },
    fate: async () => {
      const [, label] = /^KILLED AT (.*)/.exec(await lines.next('(?=KILLED AT |COMPLETED)')) ?? [];
      if (label !== undefined) await lines.ended;
      return label;
    },
  };
}

/** What a process prints, line by line. */
class Lines {
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #printed = '';
  #watchers = new Set<() => void>();
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#printed += chunk.toString();
        this.#wake();
      });
    }
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      this.#printed += `(ended: ${code ?? signal})`;
      this.#wake();
    });
  }

  /** The rest of the next line that begins so, counted from when this is called. */
  next(beginning: string): Promise<string> {
    const from = this.#printed.length;
    const pattern = new RegExp(`^${beginning}(.*)\\n`, 'm');
    return new Promise((resolve, reject) => {
      const watch = (): void => {
        const [, rest] = pattern.exec(this.#printed.slice(from)) ?? [];
        if (rest === undefined && !this.#hasEnded) return;
        this.#watchers.delete(watch);
        if (rest !== undefined) resolve(rest);
        else reject(new Error(`Process ${this.#child.pid} ended and never said ${JSON.stringify(beginning)}:\n${this.#printed}`));
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  #wake(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}
