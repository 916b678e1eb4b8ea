import type { OutgoingHttpHeaders } from 'node:http';
import { type Exchange, headerOf } from './exchange.ts';
import type { Reply } from './reply.ts';
import type { UploadSession } from './session.ts';
import type { CorsRule } from './store.ts';

/** Headers for an answer on an XML path: the first rule that fits the Origin and the method decides. */
export function bucketCorsHeaders(exchange: Exchange, rules: readonly CorsRule[]): OutgoingHttpHeaders {
  const origin = headerOf(exchange, 'origin');
  const method = exchange.request.method ?? '';
  const rule = origin === undefined ? undefined : ruleFor(rules, origin, method);
  if (origin === undefined || rule === undefined) return {};
  const exposed = { 'access-control-expose-headers': (rule.responseHeader ?? []).join(', ') };
  return { ...allowOrigin(rule, origin), ...exposed };
}

/** The answer to a preflight on an XML path: 200 always; without CORS headers when the bucket does not allow the request. */
export function bucketPreflight(exchange: Exchange, rules: readonly CorsRule[]): Reply {
  const origin = headerOf(exchange, 'origin') ?? '';
  const method = headerOf(exchange, 'access-control-request-method') ?? '';
  const rule = ruleFor(rules, origin, method);
  if (rule === undefined || !allowsHeaders(rule, requestedHeaders(exchange))) return emptyReply({});
  return emptyReply({
    ...allowOrigin(rule, origin),
    'access-control-allow-methods': rule.method.join(', '),
    'access-control-allow-headers': (rule.responseHeader ?? []).join(', '),
    'access-control-max-age': String(rule.maxAgeSeconds ?? 3600),
  });
}

/**
 * Headers for an answer of an upload session: decided by the Origin it was started with, never by the bucket.
 * A session started with `*` lacks them on its last answer (googleapis/google-cloud-dotnet#4902).
 */
export function sessionCorsHeaders(exchange: Exchange, session: UploadSession | undefined): OutgoingHttpHeaders {
  const origin = headerOf(exchange, 'origin');
  const started = session?.start.origin;
  if (origin === undefined || started === undefined) return {};
  if (started !== origin && (started !== '*' || session?.state === 'finished')) return {};
  return {
    'access-control-allow-origin': started,
    'access-control-expose-headers': 'Content-Length, Content-Type, Date, Range, Server, X-GUploader-UploadID, X-Goog-Hash',
    vary: 'Origin',
  };
}

/** The answer to a preflight on a session URI. */
export function sessionPreflight(exchange: Exchange, session: UploadSession | undefined): Reply {
  const allowed = sessionCorsHeaders(exchange, session);
  if (allowed['access-control-allow-origin'] === undefined) return emptyReply({});
  return emptyReply({
    ...allowed,
    'access-control-allow-methods': 'PUT, POST, DELETE',
    'access-control-allow-headers': requestedHeaders(exchange).join(', '),
    'access-control-max-age': '3600',
  });
}

/** Headers for an answer of the JSON API, which takes any origin: the bucket's configuration is for XML paths. */
export function jsonCorsHeaders(exchange: Exchange): OutgoingHttpHeaders {
  const origin = headerOf(exchange, 'origin');
  return origin === undefined ? {} : { 'access-control-allow-origin': origin, vary: 'Origin' };
}

/** The answer to a preflight of the JSON API. */
export function jsonPreflight(exchange: Exchange): Reply {
  return emptyReply({
    ...jsonCorsHeaders(exchange),
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': requestedHeaders(exchange).join(', '),
  });
}

function ruleFor(rules: readonly CorsRule[], origin: string, method: string): CorsRule | undefined {
  return rules.find((rule) => names(rule.origin, origin) && names(rule.method, method));
}

function names(list: readonly string[], value: string): boolean {
  return list.includes(value) || list.includes('*');
}

function allowsHeaders(rule: CorsRule, requested: string[]): boolean {
  const allowed = (rule.responseHeader ?? []).map((header) => header.toLowerCase());
  return requested.every((header) => names(allowed, header.toLowerCase()));
}

function allowOrigin(rule: CorsRule, origin: string): OutgoingHttpHeaders {
  return { 'access-control-allow-origin': rule.origin.includes('*') ? '*' : origin, vary: 'Origin' };
}

function requestedHeaders(exchange: Exchange): string[] {
  const header = headerOf(exchange, 'access-control-request-headers') ?? '';
  return header
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function emptyReply(headers: OutgoingHttpHeaders): Reply {
  return { status: 200, headers, body: Buffer.alloc(0) };
}
