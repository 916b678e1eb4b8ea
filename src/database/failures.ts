import { MediakeepError } from '../errors.ts';

/** STORAGE_UNAVAILABLE: the database does not answer. */
export function databaseUnavailable(cause: unknown): MediakeepError {
  return new MediakeepError('STORAGE_UNAVAILABLE', 'The database does not answer at the moment. Please try again.', { cause });
}

/** {@link databaseUnavailable} around a failure of the connection or of the database as a whole; any other failure of a query as it is. */
export function translated(error: unknown): unknown {
  return isUnavailable(error) ? databaseUnavailable(error) : error;
}

/**
 * SQLSTATE classes (PostgreSQL, appendix A) that say nothing about the statement: 08 connection, 28 sign-in, 3D no such database,
 * 53 out of resources, 57 shutting down or past a time limit, 58 the system below.
 */
const unavailableClasses: readonly string[] = ['08', '28', '3D', '53', '57', '58'];

/** What a standby answers to a write after a fail-over. */
const readOnlyTransaction = '25006';

function isUnavailable(error: unknown): boolean {
  const { severity, code, name } = (error ?? {}) as { severity?: unknown; code?: unknown; name?: unknown };
  if (name === 'TypeError' || name === 'RangeError') return false;
  // Only the server's own answers have a severity. Without one there was no answer: a socket, a name, TLS, a time limit, a closed pool.
  if (severity === undefined) return true;
  return typeof code === 'string' && (unavailableClasses.includes(code.slice(0, 2)) || code === readOnlyTransaction);
}
