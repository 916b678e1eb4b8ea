import { type Config, ConfigError, readConfig } from './config.ts';
import { MediakeepError } from './errors.ts';

/** Something that runs until it is closed. */
export interface Running {
  /** Ends what is under way and lets go of everything. */
  close(): Promise<void>;
}

/**
 * The life of a process: configuration, start, and an orderly end on SIGTERM or SIGINT (exit 0; a second signal ends it at once, exit 1).
 * A start that fails prints one message and exits 1.
 */
export async function runProcess(start: (config: Config) => Promise<Running>): Promise<void> {
  const stopping = stopSignal();
  const running = await startOrExit(start);
  await stopping;
  await running.close();
  process.exit(0);
}

/** Runs a command to its end; a failure prints one message and exits 1. */
export async function runCommand(command: (config: Config) => Promise<void>): Promise<void> {
  await startOrExit(command);
  process.exit(process.exitCode ?? 0);
}

/** Resolves at the first SIGTERM or SIGINT. A second one, of either, ends the process. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let askedAtMs: number | undefined;
    const ask = (): void => {
      if (askedAtMs !== undefined && performance.now() - askedAtMs > echoMs) process.exit(1);
      askedAtMs ??= performance.now();
      resolve();
    };
    process.on('SIGTERM', ask).on('SIGINT', ask);
  });
}

/** The terminal tells every process of a Ctrl-C, and npm passes it on once more: what comes so soon after the first, in milliseconds, is the same one. */
const echoMs = 300;

async function startOrExit<T>(start: (config: Config) => Promise<T>): Promise<T> {
  try {
    return await start(readConfig());
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}

/** What an operator needs: sentences that were meant for one, and the system's, with what their causes add; a stack only for what nobody foresaw. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof MediakeepError || (error instanceof Error && 'code' in error)) return withCause(error);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function withCause({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message}\n  ${cause.message}` : message;
}
