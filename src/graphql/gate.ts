import type { FastifyRequest } from 'fastify';
import { MediakeepError } from '../errors.ts';

/** Headers that a browser sends to another site only after asking it: one of them proves that a request is no simple cross-site one. */
export const preflightHeaders = ['authorization', 'apollo-require-preflight', 'x-apollo-operation-name'];

/**
 * Refuses what a foreign page could make a browser send without asking (a "simple" request of the Fetch standard). BAD_USER_INPUT.
 * Apollo Server has the same rule, but looks only after the body, and names its headers less plainly.
 */
export function refuseCrossSite(request: FastifyRequest): void {
  const type = mediaType(request);
  if (type !== undefined && !simpleTypes.has(type)) return;
  if (preflightHeaders.some((name) => (request.headers[name] ?? '') !== '')) return;
  throw new MediakeepError(
    'BAD_USER_INPUT',
    'A request that any web site could send is refused. Send one of the headers `Authorization`, `Apollo-Require-Preflight` or ' +
      '`X-Apollo-Operation-Name` (any value but an empty one), or a body of the type application/json.',
  );
}

/** The Fastify integration builds a URL of these; what makes none is the client's fault, not ours. */
export function refuseBadHost(request: FastifyRequest): void {
  if (URL.canParse(request.url, `${request.protocol}://${request.hostname}/`)) return;
  throw new MediakeepError('BAD_USER_INPUT', 'The header `Host` is not a valid one.');
}

/** Whether a request's body is a form with files. */
export function isForm(request: FastifyRequest): boolean {
  return mediaType(request) === 'multipart/form-data';
}

/** Whether a person's browser asks for a page. */
export function wantsPage(request: FastifyRequest): boolean {
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
}

const simpleTypes: ReadonlySet<string> = new Set(['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']);

function mediaType(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}
