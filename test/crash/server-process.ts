import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** One seat for a server: when its process is killed, another takes it. */
export class ServerSeat {
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;
  #url: string | undefined;

  constructor(environment: Record<string, string>) {
    this.#environment = environment;
  }

  /** Where it listens; undefined while there is none. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Starts the compiled server, and waits until it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['dist/src/main.js'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...this.#environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#url = await new Promise((resolve, reject) => {
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        const [, url] = /ready at (http:\S+)/.exec(printed) ?? [];
        if (url !== undefined) resolve(url);
      });
      child.once('exit', (code, signal) => reject(new Error(`The server ended (${code ?? signal}): ${printed}`)));
    });
  }

  /** Sends it one more signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends the process, and resolves with its exit code, or undefined after a SIGKILL. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<number | undefined> {
    const child = this.#child;
    this.#url = undefined;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? undefined;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    this.#child = undefined;
    return code ?? undefined;
  }
}
