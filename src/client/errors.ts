/** The codes of the server's contract. */
export type ServerErrorCode =
  | 'UNAUTHENTICATED'
  | 'BAD_USER_INPUT'
  | 'NOT_FOUND'
  | 'FILE_TOO_LARGE'
  | 'QUOTA_EXCEEDED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'INVALID_MEDIA'
  | 'UPLOAD_INCOMPLETE'
  | 'IDEMPOTENCY_CONFLICT'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'STORAGE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

/**
 * Every code an error can have: the server's; `NETWORK` when no answer came; `UNREADABLE` when the file can no longer be read; `CORRUPTED`
 * when other bytes arrived than were sent (nothing of them is kept). GraphQL's own, such as `GRAPHQL_VALIDATION_FAILED`, pass through.
 */
export type ErrorCode = ServerErrorCode | 'NETWORK' | 'UNREADABLE' | 'CORRUPTED' | (string & {});

/** What {@link MediakeepError} is made of. */
export interface Failure {
  readonly code: ErrorCode;
  /** The HTTP status; 0 when no answer came. */
  readonly status?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** Why something did not work: a sentence for the user, and a code for the program. */
export class MediakeepError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status; 0 when no answer came. GraphQL answers most refusals with 200. */
  readonly status: number;
  /** Whole seconds to wait before another try. */
  readonly retryAfterSeconds: number | undefined;
  /** The request's id in the server's log. */
  readonly requestId: string | undefined;

  constructor(message: string, { code, status = 0, retryAfterSeconds, requestId, cause }: Failure) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MediakeepError';
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.requestId = requestId;
  }
}
