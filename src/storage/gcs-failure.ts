import type { IncomingHttpHeaders } from 'node:http';
import { MediakeepError } from '../errors.ts';

/** A failure of the bucket, of the credentials for it, or of the way to it. Its message is for the log: it may hold the upstream's text. */
export class BucketFault extends Error {
  /** Worth another try. */
  readonly isTransient: boolean;
  /** How long the other side asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { isTransient: boolean; retryAfterMs?: number | undefined; cause?: unknown }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.isTransient = options.isTransient;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A connection that failed, stalled or closed before the whole answer came. */
export class ConnectionFailed extends BucketFault {
  constructor(message: string, cause?: unknown) {
    super(message, { isTransient: true, cause });
  }
}

/** An answer that was not the one hoped for. Worth another try if Google lists its status as retryable: 408, 429 and 5xx. */
export class UnexpectedAnswer extends BucketFault {
  readonly status: number;

  constructor(doing: string, answer: { status: number; headers: IncomingHttpHeaders; body: Buffer }) {
    const { status, headers, body } = answer;
    const isTransient = isTransientStatus(status);
    super(`${doing}: the bucket answered ${status}: ${body.toString('utf8', 0, 500)}`, {
      isTransient,
      retryAfterMs: retryAfterMs(headers['retry-after']),
    });
    this.status = status;
  }
}

/** Google's list of retryable statuses. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Turns a failure of the bucket into STORAGE_UNAVAILABLE, itself the cause; gives anything else back as it is. */
export function asStorageFailure(error: unknown): unknown {
  if (!(error instanceof BucketFault)) return error;
  return new MediakeepError('STORAGE_UNAVAILABLE', 'The storage does not answer. Please try again later.', { cause: error });
}

/** RFC 9110 10.2.3: seconds, or a date. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
