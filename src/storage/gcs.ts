import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Storage } from '@google-cloud/storage';
import type { GoogleAuth } from 'google-auth-library';
import { MediakeepError } from '../errors.ts';
import type {
  ByteRange,
  Clock,
  DownloadOptions,
  ListedObject,
  ObjectStorage,
  PutOptions,
  StoredObject,
  UploadSessions,
} from '../media/ports.ts';
import { applicationDefaultCredentials, hasCredentials } from './gcs-access.ts';
import { BucketApi, type ListPage } from './gcs-api.ts';
import { asStorageFailure } from './gcs-failure.ts';
import { BucketSessions } from './gcs-sessions.ts';
import { BucketUpload, type UploadTools } from './gcs-upload.ts';
import { HttpClient } from './http.ts';
import { type Limits, type Patience, withRetries } from './retry.ts';
import { chunkUnitBytes } from './session.ts';
import { SignedUrls } from './signed-urls.ts';

export interface GcsStorageOptions {
  readonly bucket: string;
  readonly projectId: string | undefined;
  /** The base URL of an emulator or a private endpoint. */
  readonly apiEndpoint: string | undefined;
  /** `redirect`: {@link GcsStorage.downloadUrl} gives V4 signed URLs; `proxy`: it gives none. */
  readonly delivery: 'redirect' | 'proxy';
  /** Instead of Application Default Credentials. */
  readonly auth?: GoogleAuth;
  /** What the windows of signed URLs go by. Default: the system's. */
  readonly clock?: Clock;
  /** Bytes of one request of a long upload, a multiple of 256 KiB; also what a running upload keeps in memory. Default 8 MiB. */
  readonly chunkBytes?: number;
  /** Default: 10 s for a small call, a minute from a first failure on. */
  readonly patience?: Patience;
  /** A connection on which nothing moves for so long is given up. Default 30 s. */
  readonly idleMs?: number;
  /** Connections to the bucket in all. Default 256. */
  readonly maxSockets?: number;
}

/** Google's own endpoint. */
export const googleEndpoint = 'https://storage.googleapis.com';

/** Google's advice for large files is 8 MiB or more: a chunk costs a round trip. */
const defaultChunkBytes = 8 * 1024 * 1024;

/** The limits of an adapter that was given none. */
export const defaultPatience: Patience = { firstPauseMs: 250, longestPauseMs: 16_000, deadlineMs: 60_000, callMs: 10_000 };

/** Whoever asks whether the bucket answers does not want to wait long, in milliseconds. */
const checkPatienceMs = 5_000;

/** Objects that are deleted at once. */
const parallelDeletions = 8;

/**
 * Objects in a Google Cloud Storage bucket. The official libraries find the credentials and sign URLs; everything else goes through our own
 * requests, whose limits hold (docs/decisions/0007).
 */
export class GcsStorage implements ObjectStorage {
  readonly sessions: UploadSessions;
  readonly #bucketName: string;
  readonly #http: HttpClient;
  readonly #api: BucketApi;
  readonly #chunkBytes: number;
  readonly #patience: Patience;
  readonly #signedUrls: SignedUrls | undefined;
  readonly #tidying = new Set<Promise<unknown>>();

  private constructor(options: GcsStorageOptions, auth: GoogleAuth | undefined) {
    const { bucket, delivery, chunkBytes = defaultChunkBytes, patience = defaultPatience } = options;
    if (chunkBytes <= 0 || chunkBytes % chunkUnitBytes !== 0)
      throw new Error(`chunkBytes must be a multiple of ${chunkUnitBytes}`);
    this.#bucketName = bucket;
    this.#chunkBytes = chunkBytes;
    this.#patience = patience;
    this.#http = new HttpClient({ idleMs: options.idleMs ?? 30_000, maxSockets: options.maxSockets ?? 256 });
    this.#api = new BucketApi({ http: this.#http, auth, base: baseOf(options), bucket });
    this.sessions = new BucketSessions(this.#uploadTools());
    this.#signedUrls = delivery === 'redirect' && auth !== undefined ? signedUrlsOf(options, auth) : undefined;
  }

  /**
   * Finds the credentials (Application Default Credentials); asks nothing of the bucket. At an `apiEndpoint` it makes do without: requests go out
   * unsigned and {@link downloadUrl} gives none. Google's own endpoint needs them: STORAGE_UNAVAILABLE.
   */
  static async open(options: GcsStorageOptions): Promise<GcsStorage> {
    const { projectId, patience = defaultPatience } = options;
    const auth = options.auth ?? applicationDefaultCredentials({ projectId, callMs: patience.callMs });
    const credentials = await hasCredentials(auth);
    if (credentials.found) return new GcsStorage(options, auth);
    if (options.apiEndpoint !== undefined) return new GcsStorage(options, undefined);
    throw new MediakeepError('STORAGE_UNAVAILABLE', 'The server has no credentials for its storage.', {
      cause: credentials.error,
    });
  }

  /** Lets sessions that are being cancelled end, then closes every connection. A second call waits for the same. */
  async close(): Promise<void> {
    await Promise.all(this.#tidying);
    this.#http.close();
  }

  uriOf(key: string): string {
    return `gs://${this.#bucketName}/${key}`;
  }

  async put(key: string, source: Readable, options: PutOptions): Promise<StoredObject> {
    // It may fail once more while it is torn down; without a listener that would end the process.
    source.on('error', () => undefined);
    try {
      return await new BucketUpload(this.#uploadTools(), key, options).run(source);
    } catch (error) {
      throw asStorageFailure(error);
    } finally {
      source.destroy();
    }
  }

  async read(key: string, { range, signal }: { range?: ByteRange; signal: AbortSignal }): Promise<Readable> {
    const body = await this.#persistently((limits) => this.#api.read(key, range, limits), signal);
    if (body === undefined) throw new MediakeepError('NOT_FOUND', 'There is no such object.');
    return body;
  }

  async scan(key: string, see: (piece: Buffer) => void, signal: AbortSignal): Promise<void> {
    const sight = new Writable({
      write: (piece: Buffer, _encoding, done) => {
        try {
          see(piece);
          done();
        } catch (error) {
          done(error instanceof Error ? error : new Error('The piece was refused', { cause: error }));
        }
      },
    });
    try {
      await pipeline(await this.read(key, { signal }), sight, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const version = await this.#persistently((limits) => this.#api.find(key, limits), signal);
    return version && { sizeBytes: version.sizeBytes, crc32c: version.crc32c };
  }

  async removeAll(prefix: string, signal: AbortSignal): Promise<void> {
    if (!/^[^/]+\/$/.test(prefix)) throw new Error(`Not a prefix of one asset: ${JSON.stringify(prefix)}`);
    let pageToken: string | undefined;
    do {
      const page: ListPage = await this.#persistently((limits) => this.#api.list(prefix, pageToken, limits), signal);
      await this.#removePage(page, signal);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  async *list(signal: AbortSignal): AsyncGenerator<ListedObject> {
    let pageToken: string | undefined;
    do {
      const page: ListPage = await this.#persistently((limits) => this.#api.list('', pageToken, limits), signal);
      for (const { name, sizeBytes, crc32c, updatedAt } of page.items) yield { key: name, sizeBytes, crc32c, updatedAt };
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  get redirects(): boolean {
    return this.#signedUrls !== undefined;
  }

  async downloadUrl(key: string, options: DownloadOptions): Promise<string | undefined> {
    try {
      return await this.#signedUrls?.get(key, options);
    } catch (error) {
      throw asStorageFailure(error);
    }
  }

  /** Asks once, and waits 5 s at most. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#api.check({ limitMs: Math.min(checkPatienceMs, this.#patience.callMs), signal });
    } catch (error) {
      throw asStorageFailure(error);
    }
  }

  #uploadTools(): UploadTools {
    return {
      api: this.#api,
      http: this.#http,
      chunkBytes: this.#chunkBytes,
      patience: this.#patience,
      tidyLater: (work) => {
        this.#tidying.add(work);
        void work.finally(() => this.#tidying.delete(work));
      },
    };
  }

  async #removePage({ items }: ListPage, signal: AbortSignal): Promise<void> {
    const queue = [...items];
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const object = next;
        await this.#persistently((limits) => this.#api.remove(object, limits), signal);
      }
    };
    const workers = Array.from({ length: parallelDeletions }, () =>
      work().catch((error: unknown) => {
        queue.length = 0;
        throw error;
      }),
    );
    // Nothing may go on when this has rejected.
    await Promise.allSettled(workers);
    await Promise.all(workers);
  }

  async #persistently<T>(step: (limits: Limits) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await withRetries(step, this.#patience, signal);
    } catch (error) {
      throw asStorageFailure(error);
    }
  }
}

/** Where the bucket's API is, without a slash at its end. */
export function baseOf({ apiEndpoint = googleEndpoint }: Pick<GcsStorageOptions, 'apiEndpoint'>): string {
  return apiEndpoint.replace(/\/+$/, '');
}

/** Signing by the official client. Its endpoint is always named, or STORAGE_EMULATOR_HOST would choose another. */
export function signedUrlsOf(options: GcsStorageOptions, auth: GoogleAuth): SignedUrls {
  const { bucket, projectId, patience = defaultPatience, clock = () => new Date() } = options;
  const client = new Storage({ authClient: auth, apiEndpoint: baseOf(options), ...(projectId !== undefined && { projectId }) });
  return new SignedUrls(client.bucket(bucket), { limitMs: patience.callMs, clock });
}
