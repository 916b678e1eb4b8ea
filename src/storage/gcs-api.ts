import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { GoogleAuth } from 'google-auth-library';
import type { ByteRange, StoredObject } from '../media/ports.ts';
import { authorizationOf } from './gcs-access.ts';
import { UnexpectedAnswer } from './gcs-failure.ts';
import type { Answer, HttpClient, OutgoingRequest } from './http.ts';
import type { Limits } from './retry.ts';
import { checksumOf } from './session.ts';

/** What is sent with a new object. */
export interface ObjectSettings {
  readonly name: string;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly contentDisposition: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** As {@link checksumText} writes it: the bucket refuses other bytes. */
  readonly crc32c?: string;
}

/** What a session is held to, when somebody else sends its bytes. */
export interface SessionPins {
  /** The session takes no other size. */
  readonly sizeBytes: number;
  /** The origin of the page that will send: the bucket answers that one's CORS requests, and no other's. */
  readonly origin: string | undefined;
}

/** One version of an object as the bucket describes it. */
export interface ObjectVersion extends StoredObject {
  readonly name: string;
  readonly generation: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A version as a list shows it. */
export interface ListedVersion extends StoredObject {
  readonly name: string;
  readonly generation: string;
  readonly updatedAt: Date;
}

/** A page of a list; `nextPageToken` is there when another follows. */
export interface ListPage {
  readonly items: readonly ListedVersion[];
  readonly nextPageToken: string | undefined;
}

/** The few calls of Google's JSON API that we need on one bucket, each one request. They reject with a BucketFault, or with the signal's reason. */
export class BucketApi {
  readonly #http: HttpClient;
  readonly #auth: GoogleAuth | undefined;
  readonly #bucketUrl: string;
  readonly #uploadUrl: string;

  /** Without `auth` requests go out unsigned, as emulators take them. `base` has no slash at its end. */
  constructor(options: { http: HttpClient; auth: GoogleAuth | undefined; base: string; bucket: string }) {
    this.#http = options.http;
    this.#auth = options.auth;
    const bucket = encodeURIComponent(options.bucket);
    this.#bucketUrl = `${options.base}/storage/v1/b/${bucket}`;
    this.#uploadUrl = `${options.base}/upload/storage/v1/b/${bucket}/o`;
  }

  /** Whatever the bucket answers to a GET below its own resource; `path` is empty or begins with `/` or `?`. */
  async get(path: string, limits: Limits): Promise<Answer> {
    return await this.#request({ method: 'GET', url: `${this.#bucketUrl}${path}`, ...limits });
  }

  /** Resolves when the bucket is there and may be listed. */
  async check(limits: Limits): Promise<void> {
    expectStatus('Checking the bucket', await this.get('/o?maxResults=1&fields=kind', limits), [200]);
  }

  /** The live version, or undefined when there is none. */
  async find(key: string, limits: Limits): Promise<ObjectVersion | undefined> {
    const url = `${this.#objectUrl(key)}?fields=name,size,crc32c,generation,metadata`;
    const answer = await this.#request({ method: 'GET', url, ...limits });
    if (answer.status === 404) return await this.#absent(limits);
    expectStatus('Reading metadata', answer, [200]);
    return versionOf(answer);
  }

  /** The bytes, or undefined when there is no such object. */
  async read(key: string, range: ByteRange | undefined, limits: Limits): Promise<Readable | undefined> {
    const opened = await this.#http.open({
      method: 'GET',
      url: `${this.#objectUrl(key)}?alt=media`,
      headers: { ...(await this.#authorization(limits)), ...(range && { Range: `bytes=${range.start}-${range.end}` }) },
      ...limits,
    });
    if (!('status' in opened)) return opened;
    if (opened.status === 404) return await this.#absent(limits);
    throw new UnexpectedAnswer('Reading', opened);
  }

  /** Up to 1000 of the objects whose names begin with `prefix`, in the order of their names. */
  async list(prefix: string, pageToken: string | undefined, limits: Limits): Promise<ListPage> {
    const query = new URLSearchParams({
      prefix,
      fields: 'items(name,generation,size,crc32c,updated),nextPageToken',
      ...(pageToken && { pageToken }),
    });
    const answer = await this.get(`/o?${query}`, limits);
    expectStatus('Listing', answer, [200]);
    const { items = [], nextPageToken } = jsonOf(answer) as { items?: ListedResource[]; nextPageToken?: string };
    return { items: items.map(listedVersion), nextPageToken };
  }

  /** Removes this very version. One that is gone (404), or has made way for another (412), is no failure. */
  async remove({ name, generation }: Pick<ObjectVersion, 'name' | 'generation'>, limits: Limits): Promise<void> {
    const url = `${this.#objectUrl(name)}?ifGenerationMatch=${generation}`;
    const answer = await this.#request({ method: 'DELETE', url, ...limits });
    expectStatus('Deleting', answer, [200, 204, 404, 412]);
  }

  /** Creates an object in one request: settings, checksum and bytes. Undefined when the name is taken. */
  async insert(settings: ObjectSettings, bytes: Buffer, limits: Limits): Promise<ObjectVersion | undefined> {
    const boundary = `mediakeep-${randomBytes(16).toString('hex')}`;
    const head = [
      `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(settings)}`,
      `--${boundary}\r\nContent-Type: ${settings.contentType}\r\n\r\n`,
    ].join('\r\n');
    const answer = await this.#request({
      method: 'POST',
      url: `${this.#uploadUrl}?uploadType=multipart&ifGenerationMatch=0`,
      headers: { 'Content-Type': `multipart/related; boundary=${boundary}` },
      body: [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)],
      ...limits,
    });
    return insertedBy(answer);
  }

  /** Starts a resumable session that may create the object, and gives its URI, which lets anybody do so. Undefined when the name is taken. */
  async startSession(settings: ObjectSettings, pins: SessionPins | undefined, limits: Limits): Promise<string | undefined> {
    const answer = await this.#request({
      method: 'POST',
      url: `${this.#uploadUrl}?uploadType=resumable&ifGenerationMatch=0`,
      headers: {
        'Content-Type': 'application/json; charset=UTF-8',
        'X-Upload-Content-Type': settings.contentType,
        ...(pins && { 'X-Upload-Content-Length': String(pins.sizeBytes) }),
        ...(pins?.origin !== undefined && { Origin: pins.origin }),
      },
      body: [Buffer.from(JSON.stringify(settings))],
      ...limits,
    });
    if (answer.status === 412) return undefined;
    const { location } = answer.headers;
    if (location === undefined) throw new UnexpectedAnswer('Starting an upload', answer);
    return location;
  }

  /** A 404 stands for a missing object and for a missing bucket alike; only the second is a failure. */
  async #absent(limits: Limits): Promise<undefined> {
    await this.check(limits);
  }

  async #request(request: Omit<OutgoingRequest, 'headers'> & { headers?: Record<string, string> }): Promise<Answer> {
    return await this.#http.send({ ...request, headers: { ...request.headers, ...(await this.#authorization(request)) } });
  }

  async #authorization(limits: Limits): Promise<Record<string, string>> {
    return await authorizationOf(this.#auth, limits);
  }

  #objectUrl(key: string): string {
    return `${this.#bucketUrl}/o/${encodeURIComponent(key)}`;
  }
}

/** The version that the last request of an upload made, or undefined when the name was taken (412). UnexpectedAnswer otherwise. */
export function insertedBy(answer: Answer): ObjectVersion | undefined {
  if (answer.status === 412) return undefined;
  expectStatus('Uploading', answer, [200, 201]);
  return versionOf(answer);
}

function expectStatus(doing: string, answer: Answer, expected: readonly number[]): void {
  if (!expected.includes(answer.status)) throw new UnexpectedAnswer(doing, answer);
}

function versionOf(answer: Answer): ObjectVersion {
  const {
    name,
    size,
    crc32c,
    generation,
    metadata = {},
  } = jsonOf(answer) as Record<string, string> & {
    metadata?: Record<string, string>;
  };
  if (name === undefined || size === undefined || crc32c === undefined || generation === undefined)
    throw new UnexpectedAnswer('Reading an object resource', answer);
  return { name, sizeBytes: Number(size), crc32c: checksumOf(crc32c), generation, metadata };
}

type ListedResource = Readonly<Record<'name' | 'generation' | 'size' | 'crc32c' | 'updated', string>>;

function listedVersion({ name, generation, size, crc32c, updated }: ListedResource): ListedVersion {
  return { name, generation, sizeBytes: Number(size), crc32c: checksumOf(crc32c), updatedAt: new Date(updated) };
}

function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body.toString());
  } catch {
    throw new UnexpectedAnswer('Reading JSON', answer);
  }
}
