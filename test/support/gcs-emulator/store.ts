import type { ByteLog } from './byte-log.ts';
import { type Conditions, checkConditions } from './conditions.ts';
import type { ObjectSettings } from './object-settings.ts';
import { HttpFailure, invalid, noSuchObject } from './reply.ts';

/** One entry of a bucket's CORS configuration; `responseHeader` is both what may be sent and what may be read. */
export type CorsRule = {
  origin: readonly string[];
  method: readonly string[];
  responseHeader?: readonly string[];
  maxAgeSeconds?: number;
};

/** A bucket as a test declares it. `permissions` are those the caller is granted; all when left out. */
export type BucketOptions = {
  name: string;
  uniformBucketLevelAccess?: boolean;
  publicAccessPrevention?: 'enforced' | 'inherited';
  cors?: readonly CorsRule[];
  lifecycle?: unknown;
  permissions?: readonly string[];
};

/** A live object. Objects are immutable but for their settings; `content` is sealed. */
export type StoredObject = {
  readonly bucket: string;
  readonly name: string;
  readonly generation: number;
  readonly content: ByteLog;
  readonly createdMs: number;
  settings: ObjectSettings;
  metageneration: number;
  updatedMs: number;
};

/** What a list request asks for; `limit` is the page size after the server's own cap. */
export type ListQuery = { prefix: string; delimiter: string; pageToken: string; limit: number };

/** One page, in byte order of names. */
export type ListPage = { objects: StoredObject[]; prefixes: string[]; nextPageToken?: string };

/** One bucket and its live objects. Nothing is visible before `insert` returns. */
export class Bucket {
  readonly options: BucketOptions;
  readonly createdMs: number;
  readonly objects = new Map<string, StoredObject>();
  readonly #now: () => number;
  cors: readonly CorsRule[];
  metageneration = 1;
  #lastGeneration = 0;

  constructor(options: BucketOptions, now: () => number) {
    this.options = options;
    this.cors = options.cors ?? [];
    this.createdMs = now();
    this.#now = now;
  }

  /** Makes an object live, over any earlier one, if the preconditions hold (412 otherwise). */
  insert(name: string, content: ByteLog, settings: ObjectSettings, conditions: Conditions): StoredObject {
    checkConditions(this.objects.get(name), conditions, 'write');
    const nowMs = this.#now();
    // Real generations are microseconds; they only need to be unique and to grow.
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, nowMs * 1000);
    const stored: StoredObject = {
      bucket: this.options.name,
      name,
      generation: this.#lastGeneration,
      content,
      createdMs: nowMs,
      settings,
      metageneration: 1,
      updatedMs: nowMs,
    };
    this.objects.set(name, stored);
    return stored;
  }

  /** The live object, or 404; `generation` names one version, and an earlier one is not kept (404). */
  get(name: string, generation: string | null = null): StoredObject {
    const stored = this.objects.get(name);
    if (stored === undefined) throw noSuchObject(this.options.name, name);
    if (generation !== null && generation !== String(stored.generation)) throw noSuchObject(this.options.name, name);
    return stored;
  }

  /** Replaces an object's settings: same generation, next metageneration. */
  update(stored: StoredObject, settings: ObjectSettings): void {
    stored.settings = settings;
    stored.metageneration += 1;
    stored.updatedMs = this.#now();
  }

  list(query: ListQuery): ListPage {
    const after = query.pageToken === '' ? '' : readPageToken(query.pageToken);
    const entries = listEntries(this.objects, query).filter((entry) => compareUtf8(entry.key, after) > 0);
    const page = entries.slice(0, query.limit);
    const last = page.at(-1);
    const result: ListPage = { objects: [], prefixes: [] };
    for (const { key, object } of page) object === undefined ? result.prefixes.push(key) : result.objects.push(object);
    if (last !== undefined && entries.length > page.length) result.nextPageToken = writePageToken(last.key);
    return result;
  }
}

/** The object resource of the JSON API reference; `baseUrl` makes its links. */
export function objectResource(stored: StoredObject, baseUrl: string): Record<string, unknown> {
  const { bucket, name, generation, metageneration, content, settings } = stored;
  const path = `/b/${bucket}/o/${encodeURIComponent(name)}`;
  const created = new Date(stored.createdMs).toISOString();
  const md5Hash = content.md5Base64();
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${baseUrl}/storage/v1${path}`,
    mediaLink: `${baseUrl}/download/storage/v1${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation: String(generation),
    metageneration: String(metageneration),
    ...settings,
    storageClass: 'STANDARD',
    size: String(content.sizeBytes),
    ...(md5Hash === undefined ? {} : { md5Hash }),
    crc32c: content.crc32cBase64(),
    etag: etagOf(stored),
    timeCreated: created,
    updated: new Date(stored.updatedMs).toISOString(),
    timeStorageClassUpdated: created,
    timeFinalized: created,
  };
}

/** The entity tag of the object resource: changes with the generation and the metageneration. */
export function etagOf(stored: StoredObject): string {
  return Buffer.from(`${stored.generation}/${stored.metageneration}`).toString('base64');
}

type ListEntry = { key: string; object?: StoredObject };

function listEntries(objects: ReadonlyMap<string, StoredObject>, query: ListQuery): ListEntry[] {
  const entries = new Map<string, ListEntry>();
  for (const [name, object] of objects) {
    if (!name.startsWith(query.prefix)) continue;
    const cut = query.delimiter === '' ? -1 : name.indexOf(query.delimiter, query.prefix.length);
    const key = cut === -1 ? name : name.slice(0, cut + query.delimiter.length);
    if (cut !== -1) entries.set(`prefix ${key}`, { key });
    else entries.set(`object ${key}`, { key, object });
  }
  return [...entries.values()].sort((left, right) => compareUtf8(left.key, right.key));
}

function compareUtf8(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

const PAGE_TOKEN_MARK = 'page:';

function writePageToken(lastKey: string): string {
  return Buffer.from(PAGE_TOKEN_MARK + lastKey).toString('base64url');
}

function readPageToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith(PAGE_TOKEN_MARK)) throw invalid('Invalid argument: pageToken');
  return text.slice(PAGE_TOKEN_MARK.length);
}

/** The buckets of one emulator. */
export class Store {
  readonly #buckets: ReadonlyMap<string, Bucket>;

  constructor(buckets: readonly BucketOptions[], now: () => number) {
    this.#buckets = new Map(buckets.map((options) => [options.name, new Bucket(options, now)]));
  }

  /** The bucket, or 404. */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket !== undefined) return bucket;
    throw new HttpFailure(404, 'notFound', 'The specified bucket does not exist.', { xmlCode: 'NoSuchBucket' });
  }

  /** Undefined where `bucket` would refuse; for preflights, which never say whether a bucket exists. */
  findBucket(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** Forgets every object; the buckets and their settings stay. */
  clear(): void {
    for (const bucket of this.#buckets.values()) bucket.objects.clear();
  }
}
