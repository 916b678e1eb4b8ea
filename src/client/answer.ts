import { type ErrorCode, MediakeepError } from './errors.ts';
import type { Reply } from './exchange.ts';

/** The JSON of a GraphQL answer. */
export interface GraphqlAnswer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphqlFailure[];
}

/** One failure in it. */
export interface GraphqlFailure {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly retryAfter?: number };
}

/** The data of a GraphQL answer; throws what it tells of failures. */
export function dataOf(reply: Reply): unknown {
  const failure = failureIn(reply);
  if (failure !== undefined) throw failure;
  return (jsonOf(reply) as GraphqlAnswer).data;
}

/** What went wrong according to a GraphQL answer; undefined when nothing did. */
export function failureIn(reply: Reply): MediakeepError | undefined {
  const answer = jsonOf(reply) as GraphqlAnswer | undefined;
  return answer?.data && !answer.errors?.[0] ? undefined : refusalOf(reply);
}

/** What an answer says went wrong: in GraphQL's shape, in that of RFC 9457, or, from a proxy, by its status alone. */
export function refusalOf(reply: Reply): MediakeepError {
  const { status } = reply;
  const answer = jsonOf(reply) as (GraphqlAnswer & { readonly code?: string; readonly detail?: string }) | undefined;
  const first = answer?.errors?.[0];
  const retryAfter = first?.extensions?.retryAfter ?? Number(reply.header('retry-after') ?? Number.NaN);
  return new MediakeepError(first?.message ?? answer?.detail ?? `The server answered with HTTP ${status} and no data.`, {
    code: first?.extensions?.code ?? answer?.code ?? codeOf(status),
    status,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    requestId: reply.header('x-request-id') ?? undefined,
  });
}

/** The JSON of an answer; undefined when it is none, such as a proxy's page of an error. Whoever asks knows what the server answers, and casts. */
export function jsonOf({ text }: Reply): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** For answers that name no code, because something between us and the server gave them. */
function codeOf(status: number): ErrorCode {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 413) return 'FILE_TOO_LARGE';
  if (status === 429) return 'RATE_LIMITED';
  return status === 502 || status === 503 || status === 504 ? 'OVERLOADED' : 'INTERNAL_SERVER_ERROR';
}
