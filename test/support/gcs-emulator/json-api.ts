import { checkConditions, conditionsFromQuery } from './conditions.ts';
import type { Emulated } from './emulated.ts';
import { type Exchange, readBody } from './exchange.ts';
import { mediaReply } from './media.ts';
import { patchSettings } from './object-settings.ts';
import { invalid, jsonReply, type Reply } from './reply.ts';
import { type Bucket, objectResource, type StoredObject } from './store.ts';

/** `GET /b/{bucket}`. */
export function getBucket(emulated: Emulated, bucket: Bucket): Reply {
  return jsonReply(200, bucketResource(emulated, bucket));
}

/** `PATCH /b/{bucket}`: of all settings only `cors` can be changed. */
export async function patchBucket(emulated: Emulated, exchange: Exchange, bucket: Bucket): Promise<Reply> {
  const { cors, ...rest } = JSON.parse((await readBody(exchange)).toString());
  if (!Array.isArray(cors) || Object.keys(rest).length > 0) throw invalid('This emulator changes nothing of a bucket but cors.');
  bucket.cors = cors;
  bucket.metageneration += 1;
  return jsonReply(200, bucketResource(emulated, bucket));
}

/** `GET /b/{bucket}/iam/testPermissions`: those of the asked permissions that the caller has. */
export function testPermissions(exchange: Exchange, bucket: Bucket): Reply {
  const asked = exchange.query.getAll('permissions');
  if (asked.length === 0) throw invalid('Required parameter: permissions');
  const granted = asked.filter((permission) => bucket.options.permissions?.includes(permission) ?? true);
  const kind = 'storage#testIamPermissionsResponse';
  // Google leaves the list out when it would be empty.
  return jsonReply(200, granted.length === 0 ? { kind } : { kind, permissions: granted });
}

/** `GET /b/{bucket}/o`, a page at a time. */
export function listObjects(emulated: Emulated, exchange: Exchange, bucket: Bucket): Reply {
  const { query } = exchange;
  const maxResults = query.get('maxResults') ?? '1000';
  if (!/^\d+$/.test(maxResults)) throw invalid(`Invalid value for maxResults: ${maxResults}`);
  const { objects, prefixes, nextPageToken } = bucket.list({
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    pageToken: query.get('pageToken') ?? '',
    limit: Math.min(Number(maxResults) || 1000, emulated.settings.listPageLimit),
  });
  return jsonReply(200, {
    kind: 'storage#objects',
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
    ...(prefixes.length === 0 ? {} : { prefixes }),
    ...(objects.length === 0 ? {} : { items: objects.map((stored) => objectResource(stored, emulated.url)) }),
  });
}

/** `GET /b/{bucket}/o/{object}`: the resource. */
export function getMetadata(emulated: Emulated, exchange: Exchange, bucket: Bucket): Reply {
  return jsonReply(200, objectResource(findForRead(exchange, bucket), emulated.url));
}

/** `GET /b/{bucket}/o/{object}?alt=media`: the bytes. */
export function getMedia(exchange: Exchange, bucket: Bucket): Reply {
  return mediaReply(exchange, findForRead(exchange, bucket));
}

/** `PATCH /b/{bucket}/o/{object}`: settings only. */
export async function patchObject(emulated: Emulated, exchange: Exchange, bucket: Bucket): Promise<Reply> {
  const body = (await readBody(exchange)).toString();
  const stored = bucket.get(exchange.record.name ?? '', exchange.query.get('generation'));
  checkConditions(stored, conditionsFromQuery(exchange.query), 'write');
  bucket.update(stored, patchSettings(stored.settings, body));
  return jsonReply(200, objectResource(stored, emulated.url));
}

/** `DELETE /b/{bucket}/o/{object}`: 204, 404 when absent, 412 when a precondition fails. */
export function deleteObject(exchange: Exchange, bucket: Bucket): Reply {
  const stored = bucket.get(exchange.record.name ?? '', exchange.query.get('generation'));
  checkConditions(stored, conditionsFromQuery(exchange.query), 'write');
  bucket.objects.delete(stored.name);
  return { status: 204, headers: {}, body: Buffer.alloc(0) };
}

function findForRead(exchange: Exchange, bucket: Bucket): StoredObject {
  const stored = bucket.get(exchange.record.name ?? '', exchange.query.get('generation'));
  checkConditions(stored, conditionsFromQuery(exchange.query), 'read');
  return stored;
}

function bucketResource(emulated: Emulated, bucket: Bucket): unknown {
  const { name, uniformBucketLevelAccess, publicAccessPrevention, lifecycle } = bucket.options;
  const created = new Date(bucket.createdMs).toISOString();
  return {
    kind: 'storage#bucket',
    id: name,
    selfLink: `${emulated.url}/storage/v1/b/${name}`,
    projectNumber: '100000000000',
    name,
    metageneration: String(bucket.metageneration),
    location: 'EU',
    locationType: 'multi-region',
    storageClass: 'STANDARD',
    etag: Buffer.from(`bucket/${bucket.metageneration}`).toString('base64'),
    timeCreated: created,
    updated: created,
    iamConfiguration: {
      uniformBucketLevelAccess: { enabled: uniformBucketLevelAccess === true },
      publicAccessPrevention: publicAccessPrevention ?? 'inherited',
    },
    ...(bucket.cors.length === 0 ? {} : { cors: bucket.cors }),
    ...(lifecycle === undefined ? {} : { lifecycle }),
  };
}
