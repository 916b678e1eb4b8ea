import { MediakeepError } from '../errors.ts';
import { Completion, type CompletionDependencies } from './completion.ts';
import { uuidPattern } from './cursor.ts';
import type { LinkQuery } from './delivery.ts';
import { IncomingSession } from './incoming-session.ts';
import type { LinkSigner } from './links.ts';
import { ImageAsset, type MediaAsset, type MediaKind, mediaKinds, type NewAsset, notFound, VideoAsset } from './media-asset.ts';
import { assertDeclarable, fileTooLarge, maxBytes, originalKey } from './policy.ts';
import { storagePatienceMs } from './removal.ts';
import { lostTouch, signIntervalSeconds, withSignsOfLife } from './signs-of-life.ts';
import { plainType } from './sniff.ts';
import { cleanDescription, cleanFilename, type RawDescription } from './text.ts';
import type { UnderWay } from './under-way.ts';

/** What a client says of a file whose bytes it will send by itself. */
export interface UploadAnnouncement extends RawDescription {
  readonly kind: MediaKind;
  readonly filename: string;
  /** As the client declares it. */
  readonly mimeType: string;
  /** Bytes; exactly so many have to come. */
  readonly size: number;
  /** The origin of the page that will send them, when it is one that may. */
  readonly origin?: string | undefined;
}

/** A resumable session in the protocol of Google Cloud Storage. */
export interface DirectUpload {
  /** Of the asset to come. */
  readonly id: string;
  /** A bearer secret: whoever holds it may send. */
  readonly url: string;
  readonly method: 'PUT';
  /** To be sent with every PUT. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Bytes; what a client does well to send at a time, a multiple of 262144. */
  readonly chunkSize: number;
  readonly expiresAt: Date;
}

export interface DirectDependencies extends CompletionDependencies {
  readonly links: LinkSigner;
  readonly underWay: UnderWay;
  /** How long a session lives, in seconds. */
  readonly uploadSessionSeconds: number;
}

/** Uploads whose bytes do not come through a door: announced, sent to a session of the storage in as many pieces as the client likes, then completed. */
export class DirectUploads {
  readonly #with: DirectDependencies;
  readonly #completion: Completion;

  constructor(dependencies: DirectDependencies) {
    this.#with = dependencies;
    this.#completion = new Completion(dependencies);
  }

  /**
   * Opens a session for a file and reserves its share of the quota. BAD_USER_INPUT, INVALID_MEDIA for an empty file, UNSUPPORTED_MEDIA_TYPE, FILE_TOO_LARGE,
   * QUOTA_EXCEEDED, RATE_LIMITED when the user has {@link mostPending} already, STORAGE_UNAVAILABLE: then nothing is left.
   */
  async create(ownerId: string, announcement: UploadAnnouncement): Promise<DirectUpload> {
    const { store, limits, uploadSessionSeconds, clock, underWay } = this.#with;
    const asset = this.#announce(ownerId, announcement);
    if ((await store.countPending(ownerId)) >= mostPending) throw tooManyPending();
    const expiresAt = new Date((Math.floor(clock().getTime() / 1000) + uploadSessionSeconds) * 1000);
    await store.begin(asset, { reserveBytes: announcement.size, quotaBytes: limits.userQuotaBytes, isAnnounced: true });
    const uri = await underWay.track(this.#open(asset, announcement, expiresAt));
    return {
      id: asset.id,
      url: uri ?? this.#with.links.signUpload(asset.id, expiresAt),
      method: 'PUT',
      headers: [{ name: 'Content-Type', value: asset.mimeType }],
      chunkSize: chunkBytes,
      expiresAt,
    };
  }

  /**
   * Makes the asset visible when all its bytes have come and are what they should be; an upload that is complete already is answered again. NOT_FOUND, and
   * as {@link Completion.complete}.
   */
  async complete(ownerId: string, id: string): Promise<MediaAsset> {
    if (!uuidPattern.test(id)) throw notFound();
    const upload = await this.#with.store.findPending(id);
    if (upload?.asset.ownerId === ownerId) return await this.#with.underWay.track(this.#completion.complete(upload));
    const asset = await this.#with.store.find(ownerId, id);
    if (asset === undefined) throw notFound();
    return asset;
  }

  /**
   * Completes an upload of whoever it is, because the storage says that its object is there. Resolves when there is nothing more to do, be it that it was
   * refused and is gone; rejects when it should be tried again.
   */
  async completeArrived(id: string): Promise<void> {
    const upload = uuidPattern.test(id) ? await this.#with.store.findPending(id) : undefined;
    if (upload === undefined) return;
    try {
      await this.#with.underWay.track(this.#completion.complete(upload));
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  }

  /** Takes a user's pending upload away; `undefined` when there is none. As with any deletion, what the storage does not remove now is removed later. */
  async cancel(ownerId: string, id: string): Promise<{ id: string; purged: boolean } | undefined> {
    const cancelled = await this.#with.store.startCancellation(ownerId, id);
    return cancelled && { id, purged: await this.#with.removal.purge(cancelled) };
  }

  /**
   * The session behind a link to this server. `undefined` when the link was not made here, 'OVER' when its time is over or there is no such upload (any more),
   * or when the storage has an endpoint of its own.
   */
  async openSession(id: string, { expires, signature }: LinkQuery): Promise<IncomingSession | 'OVER' | undefined> {
    const { links, store, storage, uploadGraceSeconds } = this.#with;
    const link = links.verifyUpload(id, expires, signature);
    const { receiver } = storage.sessions;
    if (link !== 'VALID' || receiver === undefined) return link && 'OVER';
    const upload = await store.findPending(id);
    const asset = upload?.asset ?? (await store.findShared(id));
    if (asset === undefined) return 'OVER';
    const everySeconds = signIntervalSeconds(uploadGraceSeconds);
    return new IncomingSession({ ...this.#with, receiver, asset, sizeBytes: upload?.sizeBytes ?? asset.sizeBytes, everySeconds });
  }

  #announce(ownerId: string, announcement: UploadAnnouncement): MediaAsset {
    const { newId, storage, clock, limits } = this.#with;
    const { kind, filename, mimeType, size } = announcement;
    if (!mediaKinds.includes(kind))
      throw new MediakeepError('BAD_USER_INPUT', `\`kind\` must be one of ${mediaKinds.join(', ')}.`);
    assertSize(size, kind, maxBytes(limits, kind));
    const id = newId();
    const asset: NewAsset = {
      ...cleanDescription(announcement),
      id,
      ownerId,
      filename: cleanFilename(filename),
      mimeType: assertDeclarable(kind, plainType(mimeType)),
      storageUri: storage.uriOf(originalKey(id)),
      now: clock(),
    };
    return kind === 'IMAGE' ? ImageAsset.begin(asset) : VideoAsset.begin(asset);
  }

  /**
   * The row is there already, so whatever comes of the session is somebody's; its URI is kept before anybody is told. Until then the upload lives like any
   * other that runs: one that a crash keeps from being told must not hold its share of the quota for as long as a session lasts.
   */
  async #open(asset: MediaAsset, { size, origin }: UploadAnnouncement, until: Date): Promise<string | undefined> {
    const { storage, store, removal, log, uploadGraceSeconds } = this.#with;
    const { id, ownerId, filename, mimeType } = asset;
    const signs = { assetId: id, everySeconds: signIntervalSeconds(uploadGraceSeconds), give: () => store.touch(id), log };
    let uri: string | undefined;
    try {
      uri = await withSignsOfLife(signs, (signal) =>
        storage.sessions.open(originalKey(id), {
          sizeBytes: size,
          contentType: mimeType,
          filename,
          metadata: { assetId: id, owner: ownerId },
          origin,
          signal: AbortSignal.any([signal, AbortSignal.timeout(storagePatienceMs)]),
        }),
      );
      if (!(await store.keepSession(id, { uri, until }))) throw lostTouch();
      return uri;
    } catch (error) {
      await removal.discard({ id, session: { uri } });
      throw error;
    }
  }
}

/** Direct uploads that a user may have begun and not completed. A row and, on disk, a folder each; their bytes are the quota's business. */
export const mostPending = 1000;

/** What clients are told to send at a time, in bytes: what is lost when a connection breaks, against a request's price. */
const chunkBytes = 8 * 1024 * 1024;

function assertSize(size: number, kind: MediaKind, limitBytes: number): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new MediakeepError('BAD_USER_INPUT', '`size` must be the number of bytes of the file.');
  }
  if (size === 0) throw new MediakeepError('INVALID_MEDIA', 'The file is empty.');
  if (size > limitBytes) throw fileTooLarge(kind, limitBytes);
}

function tooManyPending(): MediakeepError {
  const message = `You have begun ${mostPending} uploads, as many as may be open at a time. Please complete or delete some first.`;
  return new MediakeepError('RATE_LIMITED', message, { retryAfterSeconds: 60 });
}

/** Whether trying again would change nothing. */
function isOver(error: unknown): boolean {
  const codes = ['UNSUPPORTED_MEDIA_TYPE', 'INVALID_MEDIA', 'FILE_TOO_LARGE', 'NOT_FOUND', 'UPLOAD_INCOMPLETE'];
  return error instanceof MediakeepError && codes.includes(error.code);
}
