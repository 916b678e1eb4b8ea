import { ByteLog } from './byte-log.ts';
import { parseGoogHash, verifyChecksums } from './checksums.ts';
import { checkConditions, conditionsFromHeaders } from './conditions.ts';
import type { Emulated } from './emulated.ts';
import { type Exchange, headerOf, readBody } from './exchange.ts';
import { mediaReply } from './media.ts';
import { checkObjectName, type ObjectSettings } from './object-settings.ts';
import { HttpFailure, type Reply, textReply } from './reply.ts';
import { isSigned, verifySignedUrl } from './signed-url.ts';
import type { Bucket, StoredObject } from './store.ts';

/** Lets an XML request in: by its V4 signature, or by a token. Everyone else is 403, for nothing here is public. */
export async function admitXml(emulated: Emulated, exchange: Exchange): Promise<void> {
  const { authority, settings } = emulated;
  if (isSigned(exchange.query)) return verifySignedUrl(exchange, authority, settings.now());
  if (!settings.requireAuth) return;
  if (headerOf(exchange, 'authorization') !== undefined) return authority.requireToken(exchange);
  throw new HttpFailure(403, 'forbidden', 'Anonymous caller does not have access to the object.');
}

/** `GET` and `HEAD /{bucket}/{object}`. */
export function getObjectXml(exchange: Exchange, bucket: Bucket): Reply {
  const stored = findXml(exchange, bucket);
  checkConditions(stored, conditionsFromHeaders(exchange.request.headers), 'read');
  return mediaReply(exchange, stored);
}

/** `PUT /{bucket}/{object}`: a whole object in one request, within `x-goog-content-length-range` if that is signed in. */
export async function putObjectXml(emulated: Emulated, exchange: Exchange, bucket: Bucket): Promise<Reply> {
  const name = exchange.record.name ?? '';
  checkObjectName(name);
  const content = new ByteLog(emulated.settings.keepBytes);
  content.append(await readBody(exchange));
  checkLengthRange(headerOf(exchange, 'x-goog-content-length-range'), content.sizeBytes);
  verifyChecksums(content, parseGoogHash(headerOf(exchange, 'x-goog-hash')));
  const stored = bucket.insert(name, content, settingsFromHeaders(exchange), conditionsFromHeaders(exchange.request.headers));
  return textReply(200, '', {
    'x-goog-generation': String(stored.generation),
    'x-goog-hash': `crc32c=${content.crc32cBase64()}`,
  });
}

/** `DELETE /{bucket}/{object}`. */
export function deleteObjectXml(exchange: Exchange, bucket: Bucket): Reply {
  const stored = findXml(exchange, bucket);
  checkConditions(stored, conditionsFromHeaders(exchange.request.headers), 'write');
  bucket.objects.delete(stored.name);
  return { status: 204, headers: {}, body: Buffer.alloc(0) };
}

function findXml(exchange: Exchange, bucket: Bucket): StoredObject {
  return bucket.get(exchange.record.name ?? '', exchange.query.get('generation'));
}

function checkLengthRange(header: string | undefined, sizeBytes: number): void {
  if (header === undefined) return;
  const [, least, most] = /^(\d+),(\d+)$/.exec(header) ?? [];
  if (least === undefined || most === undefined)
    throw new HttpFailure(400, 'invalid', 'x-goog-content-length-range is malformed.');
  if (sizeBytes < Number(least)) throw new HttpFailure(400, 'invalid', 'The upload is too small.', { xmlCode: 'EntityTooSmall' });
  if (sizeBytes > Number(most)) throw new HttpFailure(400, 'invalid', 'The upload is too large.', { xmlCode: 'EntityTooLarge' });
}

const SETTING_HEADERS = {
  'content-type': 'contentType',
  'cache-control': 'cacheControl',
  'content-disposition': 'contentDisposition',
  'content-encoding': 'contentEncoding',
  'content-language': 'contentLanguage',
} as const;

function settingsFromHeaders(exchange: Exchange): ObjectSettings {
  const settings: ObjectSettings = {};
  for (const [header, field] of Object.entries(SETTING_HEADERS)) {
    const value = headerOf(exchange, header);
    if (value !== undefined) settings[field] = value;
  }
  const custom = Object.keys(exchange.request.headers).filter((header) => header.startsWith(CUSTOM_PREFIX));
  if (custom.length > 0) {
    settings.metadata = Object.fromEntries(
      custom.map((header) => [header.slice(CUSTOM_PREFIX.length), headerOf(exchange, header) ?? '']),
    );
  }
  return settings;
}

const CUSTOM_PREFIX = 'x-goog-meta-';
