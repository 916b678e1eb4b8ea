import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { MediakeepError } from '../errors.ts';
import type { Clock } from './ports.ts';

/** Shortest and longest life of a link to an original, in seconds; the longest is what V4 signed URLs of a bucket allow. */
export const minLinkSeconds = 1;
export const maxLinkSeconds = 604_800;

/** What a verified link stands for. */
export interface LinkTarget {
  /** The path below the delivery root, such as `<id>/original`. */
  readonly path: string;
  readonly expiresAt: Date;
}

/**
 * Makes and checks the links behind `url`: `<base>/media/<path>?expires=<unix seconds>&signature=<base64url HMAC-SHA256 of path and expiry>`.
 * Cheap (one HMAC), stateless, and identical for everybody who asks within the same window, so that browsers and CDNs can cache.
 */
export class LinkSigner {
  readonly #secret: KeyObject;
  readonly #baseUrl: () => string;
  readonly #clock: Clock;

  /** `baseUrl` is PUBLIC_URL without a trailing slash; a function, because a server on a free port learns it late. */
  constructor(options: { secret: Buffer | string; baseUrl: () => string; clock: Clock }) {
    // Prepared once: a Buffer would be prepared anew for every link, which takes ten times as long as signing it.
    this.#secret = createSecretKey(Buffer.from(options.secret));
    this.#baseUrl = options.baseUrl;
    this.#clock = options.clock;
  }

  /** A link that lives at least `ttlSeconds`: it expires at the first multiple of `windowSeconds` that is at least `ttlSeconds` away. */
  sign(path: string, life: { ttlSeconds: number; windowSeconds: number }): string {
    const earliest = this.#clock().getTime() / 1000 + life.ttlSeconds;
    const expires = Math.ceil(earliest / life.windowSeconds) * life.windowSeconds;
    // A window of a fraction of a second (a quarter of 1 to 3 seconds) still ends on a whole one.
    return this.#link('media', path, Math.ceil(expires));
  }

  /** A link to which whoever holds it may send the bytes of a direct upload, until `expiresAt` (a whole second). */
  signUpload(id: string, expiresAt: Date): string {
    return this.#link('uploads', id, expiresAt.getTime() / 1000);
  }

  /** Whether an upload's link is one of ours, and, if so, whether its time is over. */
  verifyUpload(id: string, expires: string | undefined, signature: string | undefined): 'VALID' | 'OVER' | undefined {
    const expiresAt = this.#verify(`uploads/${id}`, expires, signature);
    if (expiresAt === undefined) return undefined;
    return expiresAt > this.#clock() ? 'VALID' : 'OVER';
  }

  /** What a link stands for, or undefined when its path, expiry or signature was changed or its time is over. */
  verify(path: string, expires: string | undefined, signature: string | undefined): LinkTarget | undefined {
    const expiresAt = this.#verify(path, expires, signature);
    return expiresAt !== undefined && expiresAt > this.#clock() ? { path, expiresAt } : undefined;
  }

  /** A delivery link is signed without its folder, which an upload's has, so that neither passes for the other: no asset is called `uploads`. */
  #link(folder: 'media' | 'uploads', name: string, expires: number): string {
    const signed = folder === 'media' ? name : `${folder}/${name}`;
    return `${this.#baseUrl()}/${folder}/${name}?expires=${expires}&signature=${this.#signature(signed, String(expires))}`;
  }

  /** The end of the link's life, when it was signed by us; it may be past. */
  #verify(signed: string, expires: string | undefined, signature: string | undefined): Date | undefined {
    if (expires === undefined || signature === undefined || !/^\d{1,12}$/.test(expires)) return undefined;
    const expected = Buffer.from(this.#signature(signed, expires));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    return new Date(Number(expires) * 1000);
  }

  #signature(signed: string, expires: string): string {
    return createHmac('sha256', this.#secret).update(`${signed}\n${expires}`).digest('base64url');
  }
}

/** The life of a link to an original: `expiresIn` seconds and up to a quarter more. BAD_USER_INPUT outside 1 to 604800. */
export function originalLinkLife(expiresIn: number): { ttlSeconds: number; windowSeconds: number } {
  if (!Number.isInteger(expiresIn) || expiresIn < minLinkSeconds || expiresIn > maxLinkSeconds) {
    throw new MediakeepError(
      'BAD_USER_INPUT',
      `\`expiresIn\` must be a whole number of seconds from ${minLinkSeconds} to ${maxLinkSeconds}.`,
    );
  }
  return { ttlSeconds: expiresIn, windowSeconds: expiresIn / 4 };
}
