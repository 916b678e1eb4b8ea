import type { IncomingHttpHeaders } from 'node:http';

/** What a file's validators are compared with. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  /** Whether there are others behind the same address: they have the same date, so only the tag tells them apart. */
  readonly variesByAccept: boolean;
}

/** Whether the client already has it (304): by `If-None-Match`, compared weakly, or, only in its absence, by `If-Modified-Since` (RFC 9110 13.2.2). */
export function isFresh(headers: IncomingHttpHeaders, { etag, lastModified, variesByAccept }: Validators): boolean {
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) return listsTag(noneMatch, etag);
  if (variesByAccept) return false;
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Number.isFinite(since) && wholeSeconds(lastModified) <= since;
}

/** Whether `Range` counts: without `If-Range`, or when it names exactly this version, by its strong tag or its date (RFC 9110 13.1.5). */
export function mayServeRange(headers: IncomingHttpHeaders, { etag, lastModified, variesByAccept }: Validators): boolean {
  const condition = headers['if-range'];
  if (condition === undefined) return true;
  const validator = String(condition).trim();
  if (validator.includes('"')) return validator === etag;
  return !variesByAccept && Date.parse(validator) === wholeSeconds(lastModified);
}

/** Whether an `If-None-Match` header names the tag; `*` names any. */
function listsTag(header: string, etag: string): boolean {
  if (header.trim() === '*') return true;
  return header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}

/** HTTP dates have no milliseconds. */
function wholeSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}
