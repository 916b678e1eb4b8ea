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
  const stopping = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(1));
      stopping.resolve(signal);
    });
  }
  const running = await startOrExit(start);
  await stopping.promise;
  await running.close();
  process.exit(0);
}

/** Runs a command to its end; a failure prints one message and exits 1. */
export async function runCommand(command: (config: Config) => Promise<void>): Promise<void> {
  await startOrExit(command);
  process.exit(process.exitCode ?? 0);
}

async function startOrExit<T>(start: (config: Config) => Promise<T>): Promise<T> {
  try {
    return await start(readConfig());
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}

/** What an operator needs: our own sentences as they are, with the cause's; a stack only for what nobody foresaw. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof MediakeepError)
    return `${error.message}${error.cause instanceof Error ? `\n  ${error.cause.message}` : ''}`;
  if (error instanceof Error && 'code' in error) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
