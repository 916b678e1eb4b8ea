import type { OutgoingHttpHeaders } from 'node:http';
import { checkEntityTags } from './conditions.ts';
import { type Exchange, headerOf } from './exchange.ts';
import { HttpFailure, type Reply } from './reply.ts';
import { etagOf, type StoredObject } from './store.ts';

/** An object's bytes: 200, 206 for one byte range, 304 or 412 by entity tag, 416 for a range past the end. */
export function mediaReply(exchange: Exchange, stored: StoredObject): Reply {
  checkEntityTags(exchange.request.headers, [etagOf(stored)]);
  const bytes = stored.content.toBuffer();
  const headers = mediaHeaders(stored, exchange.query);
  const range = parseRange(headerOf(exchange, 'range'), bytes.length);
  if (range === undefined) return { status: 200, headers, body: bytes };
  const contentRange = `bytes ${range.start}-${range.end - 1}/${bytes.length}`;
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: bytes.subarray(range.start, range.end) };
}

/** The headers of a download. A signed URL may overrule two of them, by query. */
function mediaHeaders(stored: StoredObject, query: URLSearchParams): OutgoingHttpHeaders {
  const { settings, content } = stored;
  const md5 = content.md5Base64();
  const headers: OutgoingHttpHeaders = {
    'content-type': query.get('response-content-type') ?? settings.contentType ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: `"${etagOf(stored)}"`,
    'last-modified': new Date(stored.updatedMs).toUTCString(),
    'cache-control': settings.cacheControl ?? 'private, max-age=0',
    'x-goog-generation': String(stored.generation),
    'x-goog-metageneration': String(stored.metageneration),
    'x-goog-stored-content-length': String(content.sizeBytes),
    'x-goog-stored-content-encoding': settings.contentEncoding ?? 'identity',
    'x-goog-storage-class': 'STANDARD',
    // Always of the whole object, also on a 206.
    'x-goog-hash': `crc32c=${content.crc32cBase64()}${md5 === undefined ? '' : `,md5=${md5}`}`,
  };
  const disposition = query.get('response-content-disposition') ?? settings.contentDisposition;
  if (disposition !== undefined) headers['content-disposition'] = disposition;
  if (settings.contentEncoding !== undefined) headers['content-encoding'] = settings.contentEncoding;
  if (settings.contentLanguage !== undefined) headers['content-language'] = settings.contentLanguage;
  for (const [key, value] of Object.entries(settings.metadata ?? {})) headers[`x-goog-meta-${key}`] = encodeURI(value);
  return headers;
}

/** The byte range asked for, `end` exclusive; undefined when the header is to be ignored (several ranges, another unit). */
function parseRange(header: string | undefined, sizeBytes: number): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(sizeBytes - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start < end) return { start, end };
  const headers = { 'content-range': `bytes */${sizeBytes}` };
  throw new HttpFailure(416, 'requestedRangeNotSatisfiable', 'The requested range cannot be satisfied.', { headers });
}
