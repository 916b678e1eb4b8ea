import { createHash } from 'node:crypto';
import { errorTable } from '../../src/errors.ts';
import type { Outcome, RawRequest } from './exchange.ts';

/** What is wrong with an answer, or undefined when the contract allows it. */
export function complaintAbout(outcome: Outcome, request: RawRequest & { readonly sent?: Buffer }): string | undefined {
  const { status, body, isSilent } = outcome;
  if (isSilent) return `no answer in 20 s; so far: ${body.slice(0, 200)}`;
  if (status === undefined) return request.isFramed && request.cutAt === undefined ? 'hung up without an answer' : undefined;
  // What Node itself refuses, such as a request without Host, has an empty body.
  if (status === 400 && (body === '' || body === '0\r\n\r\n')) return undefined;
  const code = /"code":"(\w+)"/.exec(body)?.[1];
  if (request.isSession === true && isSessionsWord(status, code)) return undefined;
  if (status >= 500 && code !== 'OVERLOADED') return `${status} ${body.slice(0, 500)}`;
  if (code !== undefined && !isAllowed(code)) return `code ${code}: ${body.slice(0, 500)}`;
  if (status >= 400 && code === undefined && !/"status":4\d\d/.test(body) && !/"errors"/.test(body) && body !== '')
    return `no code: ${status} ${body.slice(0, 300)}`;
  if (/\n {4}at |node_modules|\/src\/|\bselect\b.+\bfrom\b/i.test(body) && status >= 400)
    return `it tells too much: ${body.slice(0, 500)}`;
  const sha256 = /"sha256":"(\w+)"/.exec(body)?.[1];
  if (request.sent !== undefined && sha256 !== undefined && sha256 !== createHash('sha256').update(request.sent).digest('hex')) {
    return `took other bytes than were sent: ${body.slice(0, 300)}`;
  }
  return undefined;
}

/** A gap before the bytes, and another request that goes on with them, are 503 as on a bucket. */
function isSessionsWord(status: number, code: string | undefined): boolean {
  if (status === 503) return code === undefined || code === 'STORAGE_UNAVAILABLE' || code === 'OVERLOADED';
  return [308, 400, 403, 404, 410].includes(status);
}

/** GraphQL's own codes pass through (contract, section 7). */
function isAllowed(code: string): boolean {
  if (code === 'INTERNAL_SERVER_ERROR' || code === 'STORAGE_UNAVAILABLE') return false;
  return (
    code in errorTable ||
    /^(GRAPHQL_\w+|BAD_REQUEST|OPERATION_RESOLUTION_FAILURE|PERSISTED_QUERY_NOT_SUPPORTED|PERSISTED_QUERY_NOT_FOUND)$/.test(code)
  );
}
