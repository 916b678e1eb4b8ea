import type { Bucket } from '@google-cloud/storage';
import type { Clock, DownloadOptions } from '../media/ports.ts';
import { BucketFault } from './gcs-failure.ts';
import { inTime } from './retry.ts';

/** A signed URL begins at a multiple of this and is the same for everybody until the next one, so that an image is signed once per window. */
const windowMs = 5 * 60 * 1000;

/** How long a signed URL lives, from the beginning of its window: a redirect to it may be kept for 5 minutes (http/links.ts), at the window's end too. */
const lifeMs = 3 * windowMs;

/** How many signed URLs are remembered; each is about 1 KB. */
const maxRemembered = 10_000;

/** V4 signed URLs of a bucket's objects, remembered for their window. Signing costs 1 to 13 ms of CPU with a local key, a network call without one. */
export class SignedUrls {
  readonly #bucket: Bucket;
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Promise<string>>();

  /** `limitMs`: how long one signature may take. */
  constructor(bucket: Bucket, options: { limitMs: number; clock: Clock }) {
    this.#bucket = bucket;
    this.#limitMs = options.limitMs;
    this.#clock = options.clock;
  }

  /** A short-lived link to the object's bytes that does not outlive `expiresAt`. Rejects with a BucketFault. */
  async get(key: string, { contentType, contentDisposition, expiresAt }: DownloadOptions): Promise<string> {
    const begins = Math.floor(this.#clock().getTime() / windowMs) * windowMs;
    const ends = Math.min(begins + lifeMs, expiresAt.getTime());
    const name = JSON.stringify([key, begins, ends, contentType, contentDisposition]);
    const remembered = this.#remembered.get(name);
    if (remembered !== undefined) return await remembered;
    const signing = this.#sign(key, {
      version: 'v4',
      action: 'read',
      accessibleAt: new Date(begins),
      expires: new Date(ends),
      responseType: contentType,
      responseDisposition: contentDisposition,
    });
    this.#remember(name, signing);
    return await signing;
  }

  async #sign(key: string, settings: Parameters<ReturnType<Bucket['file']>['getSignedUrl']>[0]): Promise<string> {
    const late = (): Error => new BucketFault(`No signature within ${this.#limitMs} ms`, { isTransient: true });
    const { signal } = new AbortController();
    try {
      const [url] = await inTime(this.#bucket.file(key).getSignedUrl(settings), { limitMs: this.#limitMs, signal }, late);
      return url;
    } catch (error) {
      throw error instanceof BucketFault ? error : new BucketFault('Signing failed', { isTransient: false, cause: error });
    }
  }

  #remember(name: string, signing: Promise<string>): void {
    this.#remembered.set(name, signing);
    signing.catch(() => this.#remembered.delete(name));
    // A Map keeps the order of insertion, so its first key is the oldest.
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest);
  }
}
