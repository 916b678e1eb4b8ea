import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describeError, type ErrorDescription, isOurFault, MediakeepError } from '../errors.ts';
import { pathOf } from './log.ts';

/** The media type of RFC 9457. */
export const problemType = 'application/problem+json; charset=utf-8';

/** An RFC 9457 body. `code` is one of the contract's; a refusal that has none is told by its status. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code?: string;
  readonly requestId: string;
}

/** Answers anything that was thrown: in the shape of GraphQL below /graphql, as a problem elsewhere. Logs what is our fault, once. */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const description = describeError(inOurWords(error));
  if (isOurFault(description)) {
    // Whoever has left caused most of what fails after; it is still told, but wakes nobody.
    request.log[reply.raw.destroyed ? 'warn' : 'error']({ err: error }, 'The request failed');
  }
  forgetRepresentation(reply);
  reply.code(description.status);
  if (description.retryAfterSeconds !== undefined) reply.header('retry-after', String(description.retryAfterSeconds));
  if (description.status === 401) reply.header('www-authenticate', 'Bearer');
  return pathOf(request.url) === '/graphql'
    ? sendGraphqlErrors(description, reply)
    : sendProblem(toProblem(description, request.id), reply);
}

/** Sends a problem, which nobody may keep. */
export function sendProblem(problem: Problem, reply: FastifyReply): FastifyReply {
  // As a string, because a route's response schema describes its success.
  return reply.code(problem.status).header('cache-control', 'no-store').type(problemType).send(JSON.stringify(problem));
}

/** A refusal that has no code of the contract, such as a link that is no longer valid. */
export function forbidden(detail: string, requestId: string): Problem {
  return { type: 'about:blank', title: 'Forbidden', status: 403, detail, requestId };
}

/**
 * Answers what is not even HTTP, on the bare socket: no request exists for it, and so no id.
 * Too many header bytes are 431 and a client that takes too long 408, as RFC 6585 and RFC 9110 have them.
 */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable || hasBegunToAnswer(socket)) return void socket.destroy();
  const [status, title] = brokenRequests[error.code ?? ''] ?? ['400', 'Bad Request'];
  const detail = 'The request is not valid HTTP, is too long or took too long to arrive.';
  const body = JSON.stringify({ type: 'about:blank', title, status: Number(status), detail, code: 'BAD_USER_INPUT' });
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  // Half-closed first: destroying a socket with unread bytes resets it, and the reset overtakes the answer.
  socket.end(head + body);
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

const brokenRequests: Readonly<Record<string, readonly [status: string, title: string]>> = {
  HPE_HEADER_OVERFLOW: ['431', 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408', 'Request Timeout'],
};

/** How long a socket stays half-closed, in milliseconds. */
const lingerMs = 1000;

function hasBegunToAnswer(socket: Socket & { _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}

function toProblem({ code, title, status, detail }: ErrorDescription, requestId: string): Problem {
  return { type: `urn:mediakeep:problem:${code.toLowerCase().replaceAll('_', '-')}`, title, status, detail, code, requestId };
}

function sendGraphqlErrors({ code, detail }: ErrorDescription, reply: FastifyReply): FastifyReply {
  const body = { errors: [{ message: detail, extensions: { code } }] };
  return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** What was said of a body that now will not come; a stream that fails at its first byte has already set it on the raw answer. */
function forgetRepresentation(reply: FastifyReply): void {
  for (const name of [
    'cache-control',
    'content-disposition',
    'content-length',
    'content-range',
    'accept-ranges',
    'etag',
    'last-modified',
  ]) {
    reply.removeHeader(name);
    if (!reply.raw.headersSent) reply.raw.removeHeader(name);
  }
}

/** What the framework refuses, in sentences for users. Everything else passes. */
function inOurWords(error: unknown): unknown {
  if (error instanceof MediakeepError || !isRefusal(error)) return error;
  if (error.statusCode === 404) return new MediakeepError('NOT_FOUND', 'There is nothing at this address.', { cause: error });
  return new MediakeepError('BAD_USER_INPUT', refusals[error.code ?? ''] ?? 'The request cannot be understood.', {
    cause: error,
  });
}

const refusals: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The address is not a valid URL.',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body of the request is too large for this address.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body of the request is empty, though it is announced as JSON.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body of the request is not as long as its Content-Length says.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body of the request is not valid JSON.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The Content-Type of the request is not one that this address takes.',
};

/** Fastify's own errors, and those of its JSON parser, carry the status of a client's fault; an SDK's error may as well, and must not pass for one. */
function isRefusal(error: unknown): error is Error & { statusCode: number; code?: string } {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return false;
  const isFrameworks = ('code' in error && String(error.code).startsWith('FST_')) || error instanceof SyntaxError;
  return isFrameworks && error.statusCode >= 400 && error.statusCode < 500;
}
