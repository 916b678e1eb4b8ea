import {
  bucketCorsHeaders,
  bucketPreflight,
  jsonCorsHeaders,
  jsonPreflight,
  sessionCorsHeaders,
  sessionPreflight,
} from './cors.ts';
import type { Emulated } from './emulated.ts';
import type { Exchange } from './exchange.ts';
import { type Outcome, type RequestKind, underFault } from './faults.ts';
import * as json from './json-api.ts';
import { type Dialect, HttpFailure, invalid, type Reply } from './reply.ts';
import { cancelSession, putToSession, startSession } from './resumable.ts';
import { uploadMedia, uploadMultipart } from './simple-upload.ts';
import { admitXml, deleteObjectXml, getObjectXml, putObjectXml } from './xml-api.ts';

/** Where a request belongs. `work` does it, faults and authorization included; `cors` are the headers its answer gets. */
export type Route = {
  kind: RequestKind;
  dialect: Dialect;
  bucket?: string;
  name?: string;
  uploadId?: string;
  work: () => Promise<Outcome>;
  cors: () => Reply['headers'];
};

/** Finds the route of a request by path, query and method. What is not emulated is 501, never a quiet success. */
export function routeOf(emulated: Emulated, exchange: Exchange): Route {
  const segments = exchange.path.slice(1).split('/');
  const [first] = segments;
  if (first === 'upload') return uploadRoute(emulated, exchange, segments.slice(1));
  if (first === 'download' || first === 'storage')
    return jsonRoute(emulated, exchange, first === 'download' ? segments.slice(1) : segments);
  if (exchange.path === '/token') return openRoute(emulated, exchange, 'token', () => emulated.authority.issueToken(exchange));
  if (first === 'v1') return signRoute(emulated, exchange);
  return xmlRoute(emulated, exchange);
}

type Handler = () => Reply | Promise<Reply>;

function uploadRoute(emulated: Emulated, exchange: Exchange, segments: string[]): Route {
  const [, , , bucket] = readBucketPath(segments);
  const uploadId = exchange.query.get('upload_id');
  if (bucket === undefined || segments[4] !== 'o' || segments.length !== 5) return unknownRoute(emulated, exchange);
  if (uploadId !== null) return sessionRoute(emulated, exchange, { bucket, uploadId });
  const method = exchange.request.method;
  if (method === 'OPTIONS') return { ...jsonPreflightRoute(exchange), bucket };
  const uploadType = exchange.query.get('uploadType');
  const handlers: Record<string, [RequestKind, Handler]> = {
    'POST resumable': ['start', () => startSession(emulated, exchange)],
    'POST media': ['upload', () => uploadMedia(emulated, exchange)],
    'POST multipart': ['upload', () => uploadMultipart(emulated, exchange)],
  };
  const [kind, handler] = handlers[`${method} ${uploadType}`] ?? ['unknown', notEmulated(exchange)];
  return { ...guardedRoute(emulated, exchange, kind, handler), bucket };
}

function sessionRoute(emulated: Emulated, exchange: Exchange, at: { bucket: string; uploadId: string }): Route {
  const method = exchange.request.method;
  const find = () => emulated.sessions.get(at.bucket, at.uploadId);
  const route = {
    ...at,
    dialect: 'json' as const,
    cors: () => sessionCorsHeaders(exchange, emulated.sessions.find(at.uploadId)),
  };
  if (method === 'OPTIONS') {
    const work = async () => sessionPreflight(exchange, emulated.sessions.find(at.uploadId));
    return { ...route, kind: 'preflight', cors: () => ({}), work };
  }
  const cancel = () => underFault(emulated.faults.take(exchange.record), async () => cancelSession(emulated, find()));
  if (method === 'DELETE') return { ...route, kind: 'cancel', work: cancel };
  if (method !== 'PUT' && method !== 'POST') return { ...route, kind: 'unknown', work: async () => notEmulated(exchange)() };
  // putToSession tells a chunk from a status query once it has read the Content-Range.
  return { ...route, kind: 'chunk', work: async () => putToSession(emulated, exchange, find()) };
}

function jsonRoute(emulated: Emulated, exchange: Exchange, segments: string[]): Route {
  const [, , , bucketName, collection, objectName, ...more] = readBucketPath(segments);
  if (bucketName === undefined || more.length > 0) return unknownRoute(emulated, exchange);
  if (exchange.request.method === 'OPTIONS') return { ...jsonPreflightRoute(exchange), bucket: bucketName };
  const bucket = () => emulated.store.bucket(bucketName);
  const level =
    objectName === undefined ? [collection ?? 'bucket'] : [collection ?? '', collection === 'o' ? 'object' : objectName];
  const media = exchange.query.get('alt') === 'media';
  const handlers: Record<string, [RequestKind, Handler]> = {
    'GET bucket': ['bucket', () => json.getBucket(emulated, bucket())],
    'PATCH bucket': ['bucket', () => json.patchBucket(emulated, exchange, bucket())],
    'GET iam/testPermissions': ['permissions', () => json.testPermissions(exchange, bucket())],
    'GET o': ['list', () => json.listObjects(emulated, exchange, bucket())],
    'GET o/object': media
      ? ['download', () => json.getMedia(exchange, bucket())]
      : ['metadata', () => json.getMetadata(emulated, exchange, bucket())],
    'PATCH o/object': ['patch', () => json.patchObject(emulated, exchange, bucket())],
    'DELETE o/object': ['delete', () => json.deleteObject(exchange, bucket())],
  };
  const [kind, handler] = handlers[`${exchange.request.method} ${level.join('/')}`] ?? ['unknown', notEmulated(exchange)];
  const route = { ...guardedRoute(emulated, exchange, kind, handler), bucket: bucketName };
  return collection === 'o' && objectName !== undefined ? { ...route, name: objectName } : route;
}

function xmlRoute(emulated: Emulated, exchange: Exchange): Route {
  const [, bucketName, name] = /^\/([^/]+)\/(.+)$/.exec(exchange.path)?.map(decode) ?? [];
  if (bucketName === undefined || name === undefined) return unknownRoute(emulated, exchange);
  const rules = () => emulated.store.findBucket(bucketName)?.cors ?? [];
  const route = { dialect: 'xml' as const, bucket: bucketName, name, cors: () => bucketCorsHeaders(exchange, rules()) };
  if (exchange.request.method === 'OPTIONS') {
    return { ...route, kind: 'preflight', cors: () => ({}), work: async () => bucketPreflight(exchange, rules()) };
  }
  const bucket = () => emulated.store.bucket(bucketName);
  const handlers: Record<string, [RequestKind, Handler]> = {
    GET: ['download', () => getObjectXml(exchange, bucket())],
    HEAD: ['metadata', () => getObjectXml(exchange, bucket())],
    PUT: ['upload', () => putObjectXml(emulated, exchange, bucket())],
    DELETE: ['delete', () => deleteObjectXml(exchange, bucket())],
  };
  const [kind, handler] = handlers[exchange.request.method ?? ''] ?? ['unknown', notEmulated(exchange)];
  const work = () =>
    underFault(emulated.faults.take(exchange.record), async () => {
      await admitXml(emulated, exchange);
      return handler();
    });
  return { ...route, kind, work };
}

function signRoute(emulated: Emulated, exchange: Exchange): Route {
  const [, email] = /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):signBlob$/.exec(exchange.path)?.map(decode) ?? [];
  if (email === undefined || exchange.request.method !== 'POST') return unknownRoute(emulated, exchange);
  return guardedRoute(emulated, exchange, 'sign', () => emulated.authority.signBlob(exchange, email));
}

function jsonPreflightRoute(exchange: Exchange): Route {
  return { kind: 'preflight', dialect: 'json', cors: () => ({}), work: async () => jsonPreflight(exchange) };
}

/** A JSON API route: a token first, then the work. */
function guardedRoute(emulated: Emulated, exchange: Exchange, kind: RequestKind, handler: Handler): Route {
  return openRoute(emulated, exchange, kind, async () => {
    if (emulated.settings.requireAuth) await emulated.authority.requireToken(exchange);
    return handler();
  });
}

function openRoute(emulated: Emulated, exchange: Exchange, kind: RequestKind, handler: Handler): Route {
  const work = () => underFault(emulated.faults.take(exchange.record), async () => handler());
  return { kind, dialect: 'json', cors: () => jsonCorsHeaders(exchange), work };
}

function unknownRoute(emulated: Emulated, exchange: Exchange): Route {
  return openRoute(emulated, exchange, 'unknown', notEmulated(exchange));
}

function notEmulated({ request, path }: Exchange): Handler {
  return () => {
    throw new HttpFailure(501, 'notImplemented', `This emulator does not do ${request.method} ${path}`);
  };
}

/** `storage/v1/b/{bucket}/...`, decoded; nothing when the path is of another shape. */
function readBucketPath(segments: string[]): string[] {
  return segments.slice(0, 3).join('/') === 'storage/v1/b' ? segments.map(decode) : [];
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid(`Malformed path segment: ${segment}`);
  }
}
