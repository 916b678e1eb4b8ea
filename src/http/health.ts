import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify';
import { sendProblem } from './problem.ts';

/** What the process depends on, by name; each resolves when it answers. */
export type Checks = Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>>;

/** How long one check may take, in milliseconds. */
const checkMs = 2000;

/** How long an answer is given again, in milliseconds, so that a flood of probes costs nothing. */
const reuseMs = 1000;

/** `GET /healthz`: the process lives. `GET /readyz`: everything it depends on answers, else 503 with what does not. */
export function healthDoor(checks: Checks): FastifyPluginAsync {
  return async (scope) => {
    const probe = reusing((log: FastifyBaseLogger) => findSilent(checks, log));
    const config = { unlimited: true } as const;
    scope.get('/healthz', { config }, async (_request, reply) =>
      reply.header('cache-control', 'no-store').send({ status: 'ok' }),
    );
    scope.get('/readyz', { config }, async (request, reply) => {
      const silent = await probe(request.log);
      if (silent.length === 0) return reply.header('cache-control', 'no-store').send({ status: 'ready' });
      const detail = `No answer from: ${silent.join(', ')}.`;
      const problem = {
        type: 'about:blank',
        title: 'Not ready',
        status: 503,
        detail,
        code: 'STORAGE_UNAVAILABLE',
        requestId: request.id,
      };
      return sendProblem(problem, reply);
    });
  };
}

/** One run at a time, whose result is good for {@link reuseMs} after it is known. */
function reusing<A, T>(run: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  let current: Promise<T> | undefined;
  return (argument) => {
    current ??= run(argument).finally(() => {
      setTimeout(() => {
        current = undefined;
      }, reuseMs).unref();
    });
    return current;
  };
}

/** The names of what does not answer. */
async function findSilent(checks: Checks, log: FastifyBaseLogger): Promise<string[]> {
  const answers = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await inTime(check);
        return undefined;
      } catch (error) {
        log.warn({ err: error, check: name }, 'A check of readiness failed');
        return name;
      }
    }),
  );
  return answers.filter((name) => name !== undefined);
}

/** Gives up on time even where the check does not listen to its signal. */
function inTime(check: Checks[string]): Promise<unknown> {
  const signal = AbortSignal.timeout(checkMs);
  const late = new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([check(signal), late]);
}
