import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterPostgres } from 'rate-limiter-flexible';
import { databaseUnavailable } from './failures.ts';
import type { Statements } from './statements.ts';

/**
 * Counts requests in the table `rate_limits`, together with every process on the same database: one statement a request, none for a key that
 * has used up its minute. While the database does not answer within a second, each process counts on its own.
 */
export function sharedRateLimiter(statements: Statements, perMinute: number): RateLimiterAbstract {
  const limits = { points: perMinute, duration: 60 };
  return new RateLimiterPostgres({
    ...limits,
    storeType: 'pool',
    storeClient: { query: (statement: Parameters<Statements['run']>[0]) => soon(statements.run(statement)) },
    tableName: 'rate_limits',
    tableCreated: true,
    keyPrefix: '',
    inMemoryBlockOnConsumed: perMinute,
    insuranceLimiter: new RateLimiterMemory(limits),
  });
}

/** How long a request waits to be counted, in milliseconds. */
const patienceMs = 1000;

async function soon<T>(counted: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(databaseUnavailable(new Error(`No answer in ${patienceMs} ms`))), patienceMs);
  try {
    return await Promise.race([counted, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
