import { createHash, createVerify } from 'node:crypto';
import type { Authority } from './authority.ts';
import { type Exchange, headerOf } from './exchange.ts';
import { HttpFailure } from './reply.ts';

/** True when the query claims to be a V4 signed URL, however badly. */
export function isSigned(query: URLSearchParams): boolean {
  return query.has('X-Goog-Signature') || query.has('X-Goog-Algorithm');
}

/**
 * Verifies a V4 signed URL (GOOG4-RSA-SHA256, UNSIGNED-PAYLOAD) against the account's key.
 * 403 SignatureDoesNotMatch for anything altered or added; 400 for what is malformed or, as on Google's servers, expired.
 */
export function verifySignedUrl(exchange: Exchange, authority: Authority, nowMs: number): void {
  const { query } = exchange;
  if (query.get('X-Goog-Algorithm') !== ALGORITHM) throw malformed(`X-Goog-Algorithm must be ${ALGORITHM}.`);
  const date = query.get('X-Goog-Date') ?? '';
  const scope = checkCredential(query.get('X-Goog-Credential') ?? '', date, authority.account.client_email);
  checkHeaders(exchange);
  checkWindow(date, query.get('X-Goog-Expires') ?? '', nowMs);
  const signature = Buffer.from(query.get('X-Goog-Signature') ?? '', 'hex');
  const matches = canonicalRequests(exchange).some((canonical) => {
    const hash = createHash('sha256').update(canonical).digest('hex');
    const signed = [ALGORITHM, date, scope, hash].join('\n');
    return createVerify('RSA-SHA256').update(signed).verify(authority.publicKey, signature);
  });
  if (!matches)
    throw refused('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.');
}

const ALGORITHM = 'GOOG4-RSA-SHA256';
const LONGEST_SECONDS = 7 * 24 * 60 * 60;

function checkCredential(credential: string, date: string, email: string): string {
  const [, signer, scope, day] = /^([^/]+)\/((\d{8})\/[^/]+\/storage\/goog4_request)$/.exec(credential) ?? [];
  if (signer === undefined || scope === undefined || day !== date.slice(0, 8)) throw malformed('X-Goog-Credential is malformed.');
  if (signer !== email) throw refused('AccessDenied', `${signer} does not have access.`);
  return scope;
}

function checkWindow(date: string, expires: string, nowMs: number): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const fromMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = Number(expires);
  if (Number.isNaN(fromMs) || !/^\d+$/.test(expires) || seconds < 1 || seconds > LONGEST_SECONDS)
    throw malformed('X-Goog-Date or X-Goog-Expires is malformed.');
  if (nowMs < fromMs) throw refused('AccessDenied', 'Request is not valid yet.');
  if (nowMs >= fromMs + seconds * 1000)
    throw new HttpFailure(400, 'invalid', 'The provided token has expired.', { xmlCode: 'ExpiredToken' });
}

/** Signed headers must be sent, and every x-goog header sent must be signed: it changes what the request does. */
function checkHeaders(exchange: Exchange): void {
  const signed = signedHeaders(exchange);
  if (!signed.includes('host')) throw malformed('The host header must be signed.');
  const missing = signed.find((name) => headerOf(exchange, name) === undefined);
  if (missing !== undefined) throw malformed(`Header was included in signedheaders, but not in the request: ${missing}`);
  const unsigned = Object.keys(exchange.request.headers).find((name) => name.startsWith('x-goog-') && !signed.includes(name));
  if (unsigned !== undefined) throw malformed(`Header was included in the request, but not in signedheaders: ${unsigned}`);
}

/**
 * What may have been signed. Google listens on the scheme's own port, so its signers name the bare host; this emulator
 * cannot, and takes both. A URL signed for GET also serves HEAD.
 */
function canonicalRequests(exchange: Exchange): string[] {
  const host = headerOf(exchange, 'host') ?? '';
  const method = exchange.request.method ?? '';
  const hosts = [host, host.replace(/:\d+$/, '')];
  const methods = method === 'HEAD' ? [method, 'GET'] : [method];
  return hosts.flatMap((signedHost) => methods.map((signedMethod) => canonicalRequest(exchange, signedHost, signedMethod)));
}

function canonicalRequest(exchange: Exchange, host: string, method: string): string {
  const names = signedHeaders(exchange);
  const headers = names.map((name) => `${name}:${name === 'host' ? host : canonicalValue(headerOf(exchange, name) ?? '')}\n`);
  const payload = headerOf(exchange, 'x-goog-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  return [method, exchange.path, canonicalQuery(exchange.rawQuery), headers.join(''), names.join(';'), payload].join('\n');
}

function signedHeaders({ query }: Exchange): string[] {
  return (query.get('X-Goog-SignedHeaders') ?? '').split(';').filter((name) => name !== '');
}

function canonicalValue(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

function canonicalQuery(rawQuery: string): string {
  return rawQuery
    .split('&')
    .map((pair) => splitPair(pair).map(encodeStrictly))
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('&');
}

function splitPair(pair: string): [string, string] {
  const cut = pair.indexOf('=');
  return cut === -1
    ? [decodeURIComponent(pair), '']
    : [decodeURIComponent(pair.slice(0, cut)), decodeURIComponent(pair.slice(cut + 1))];
}

/** Percent-encodes all but RFC 3986 unreserved characters, as the canonical request wants it. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function malformed(message: string): HttpFailure {
  return new HttpFailure(400, 'invalid', message, { xmlCode: 'MalformedSecurityHeader' });
}

function refused(xmlCode: string, message: string): HttpFailure {
  return new HttpFailure(403, 'forbidden', message, { xmlCode });
}
