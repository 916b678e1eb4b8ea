/**
 * Every failure a client can meet: the public contract's section 7 as one table.
 * `status` is the HTTP status of the REST door, `title` the RFC 9457 title; GraphQL carries the code in `errors[].extensions.code`.
 */
export const errorTable = {
  UNAUTHENTICATED: { status: 401, title: 'Sign in first' },
  BAD_USER_INPUT: { status: 400, title: 'The request does not fit' },
  NOT_FOUND: { status: 404, title: 'No such media' },
  FILE_TOO_LARGE: { status: 413, title: 'The file is too large' },
  QUOTA_EXCEEDED: { status: 413, title: 'The quota is used up' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'This type of file is not accepted' },
  INVALID_MEDIA: { status: 422, title: 'The file is damaged or not what it claims to be' },
  UPLOAD_INCOMPLETE: { status: 409, title: 'The upload is not complete' },
  IDEMPOTENCY_CONFLICT: { status: 409, title: 'The idempotency key is taken' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  OVERLOADED: { status: 503, title: 'The server is busy' },
  STORAGE_UNAVAILABLE: { status: 503, title: 'The storage does not answer' },
  INTERNAL_SERVER_ERROR: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, { status: number; title: string }>;

/** A code of {@link errorTable}. */
export type ErrorCode = keyof typeof errorTable;

/** What a door needs to answer a failure: nothing in it is secret. */
export interface ErrorDescription {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  /** A sentence for the user. */
  readonly detail: string;
  /** Whole seconds for a Retry-After header. */
  readonly retryAfterSeconds?: number;
}

/**
 * A failure with a code of the contract. `message` is a sentence for the user and must hold no path, SQL, stack or upstream text;
 * what the log should know goes into `cause`.
 */
export class MediakeepError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'MediakeepError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Turns anything that was thrown into what a client may see. What is not ours becomes INTERNAL_SERVER_ERROR, its text hidden. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof MediakeepError)) {
    return describe('INTERNAL_SERVER_ERROR', 'Something went wrong on our side. It has been logged; please try again.');
  }
  const description = describe(error.code, error.message);
  return error.retryAfterSeconds === undefined ? description : { ...description, retryAfterSeconds: error.retryAfterSeconds };
}

/** Whether the fault is ours or our storage's, and so belongs into the log as an error rather than as a remark. */
export function isOurFault(description: ErrorDescription): boolean {
  return description.code === 'INTERNAL_SERVER_ERROR' || description.code === 'STORAGE_UNAVAILABLE';
}

function describe(code: ErrorCode, detail: string): ErrorDescription {
  return { code, detail, ...errorTable[code] };
}
