import { ByteLog } from './byte-log.ts';
import { parseGoogHash, verifyChecksums } from './checksums.ts';
import { conditionsFromQuery } from './conditions.ts';
import type { Emulated } from './emulated.ts';
import { type Exchange, headerOf, readBody } from './exchange.ts';
import { checkObjectName, legacyAcl, readResource, type SentResource } from './object-settings.ts';
import { invalid, jsonReply, type Reply } from './reply.ts';
import { objectResource, type StoredObject } from './store.ts';

/** `uploadType=media`: the body is the object, its type the request's Content-Type. */
export async function uploadMedia(emulated: Emulated, exchange: Exchange): Promise<Reply> {
  const resource: SentResource = { settings: {} };
  const contentType = headerOf(exchange, 'content-type');
  if (contentType !== undefined) resource.settings.contentType = contentType;
  const bytes = await readBody(exchange);
  return jsonReply(200, objectResource(store(emulated, exchange, { resource, bytes }), emulated.url));
}

/** `uploadType=multipart`: a `multipart/related` body of exactly two parts, the JSON resource and the bytes. */
export async function uploadMultipart(emulated: Emulated, exchange: Exchange): Promise<Reply> {
  const [, quoted, plain] =
    /^multipart\/related;.*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(headerOf(exchange, 'content-type') ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw invalid('A multipart upload needs the content type multipart/related with a boundary.');
  const [metadata, media, ...more] = splitParts(await readBody(exchange), boundary);
  if (metadata === undefined || media === undefined || more.length > 0)
    throw invalid('A multipart upload has exactly two parts.');
  if (!/^application\/json\b/.test(metadata.contentType)) throw invalid('The first part must be application/json.');
  const uniformAccess = emulated.store.bucket(exchange.record.bucket ?? '').options.uniformBucketLevelAccess === true;
  const resource = readResource(metadata.body.toString(), uniformAccess);
  if (media.contentType !== '') resource.settings.contentType ??= media.contentType;
  return jsonReply(200, objectResource(store(emulated, exchange, { resource, bytes: media.body }), emulated.url));
}

type SimpleUpload = { resource: SentResource; bytes: Buffer };

function store(emulated: Emulated, exchange: Exchange, { resource, bytes }: SimpleUpload): StoredObject {
  const bucket = emulated.store.bucket(exchange.record.bucket ?? '');
  if (bucket.options.uniformBucketLevelAccess === true && exchange.query.has('predefinedAcl')) throw legacyAcl();
  const name = exchange.query.get('name') ?? resource.name ?? '';
  checkObjectName(name);
  exchange.record.name = name;
  const content = new ByteLog(emulated.settings.keepBytes);
  content.append(bytes);
  verifyChecksums(content, resource);
  verifyChecksums(content, parseGoogHash(headerOf(exchange, 'x-goog-hash')));
  return bucket.insert(name, content, resource.settings, conditionsFromQuery(exchange.query));
}

type Part = { contentType: string; body: Buffer };

/** Splits by RFC 2046; a body that does not end with the closing delimiter was cut short and is refused. */
function splitParts(body: Buffer, boundary: string): Part[] {
  const text = Buffer.concat([Buffer.from('\r\n'), body]);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const starts: number[] = [];
  for (let at = text.indexOf(delimiter); at !== -1; at = text.indexOf(delimiter, at + delimiter.length)) starts.push(at);
  const close = starts.at(-1);
  if (close === undefined || text.toString('latin1', close + delimiter.length, close + delimiter.length + 2) !== '--') {
    throw invalid('The multipart body has no closing boundary.');
  }
  return starts.slice(0, -1).map((start, index) => readPart(text.subarray(start + delimiter.length, starts[index + 1])));
}

function readPart(part: Buffer): Part {
  const headersEnd = part.indexOf('\r\n\r\n');
  if (headersEnd === -1) throw invalid('A part of the multipart body has no headers.');
  const [, contentType = ''] = /^content-type:\s*(.+)$/im.exec(part.toString('latin1', 0, headersEnd)) ?? [];
  return { contentType: contentType.trim(), body: part.subarray(headersEnd + 4) };
}
