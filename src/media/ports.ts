import type { Readable } from 'node:stream';
import type { AssetState, ImageFacts, MediaAsset, MediaKind, MediaStatus, VideoFacts } from './media-asset.ts';

/** Bytes `start` to `end`, both inclusive, counted from 0, as in an HTTP Range. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** An object that is whole and visible. */
export interface StoredObject {
  readonly sizeBytes: number;
  /** CRC32C as an unsigned 32-bit number. */
  readonly crc32c: number;
}

/** An object as a list shows it. */
export interface ListedObject extends StoredObject {
  readonly key: string;
  /** When it was last written, by the storage's clock. */
  readonly updatedAt: Date;
}

export interface PutOptions {
  /** The type found in the bytes; a bucket serves the object with it. */
  readonly contentType: string;
  /** The cleaned filename, for the object's Content-Disposition. */
  readonly filename: string;
  /** Strings kept beside the object, for a human who looks into the bucket. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What a client announced of an upload whose bytes it sends by itself. */
export interface AnnouncedUpload {
  readonly sizeBytes: number;
  /** As declared; the asset's real type is found out when it is complete. */
  readonly contentType: string;
  readonly filename: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The origin of the page that will send, for a bucket's CORS answers; undefined when no page asked. */
  readonly origin: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Resumable sessions in the protocol of Google Cloud Storage: a client sends bytes by itself, and a session makes at most one object, of exactly the
 * announced size, under a key that was free.
 */
export interface UploadSessions {
  /**
   * Opens a session that may create `key`. Resolves with its URI on the storage, a bearer secret; undefined when the bytes come through {@link receiver}.
   * Rejects when there is an object already. STORAGE_UNAVAILABLE.
   */
  open(key: string, announced: AnnouncedUpload): Promise<string | undefined>;
  /**
   * Ends a session: when this resolves, nothing can come out of it any more (an object that it has made already stays). Unknown or ended is no error.
   * STORAGE_UNAVAILABLE.
   */
  cancel(key: string, uri: string | undefined, signal: AbortSignal): Promise<void>;
  /** Takes the bytes of sessions on this server; undefined when the storage has an endpoint of its own. */
  readonly receiver: UploadReceiver | undefined;
}

/** The receiving side of sessions, for a storage that has no endpoint of its own. Any number of processes may receive for one session. */
export interface UploadReceiver {
  /** How many bytes the session holds durably, from the first on. NOT_FOUND when there is no such session (any more). */
  held(key: string, signal: AbortSignal): Promise<number>;
  /**
   * Adds `source` from byte `offset` on, which must not lie beyond what is held (RangeError); what is held already is skipped, and what would pass
   * `limitBytes` fails with RangeError. Whoever was adding before stops, and rejects with OVERLOADED. Resolves with what is held durably; when
   * the source fails or the signal aborts, what had arrived stays held and it rejects with that. Once it has settled it reads nothing more of `source`, but
   * does not destroy it: a request is still to be answered. NOT_FOUND, STORAGE_UNAVAILABLE.
   */
  append(key: string, source: Readable, options: { offset: number; limitBytes: number; signal: AbortSignal }): Promise<number>;
  /**
   * Makes the object visible, once, all or nothing. Rejects with INVALID_MEDIA when `crc32c` is given and is another, and with RangeError when it is not of
   * `sizeBytes`; then nothing has changed. Rejects when the key is taken by something else. Calling it again answers the same object. NOT_FOUND, STORAGE_UNAVAILABLE.
   */
  finish(key: string, options: { sizeBytes: number; crc32c: number | undefined; signal: AbortSignal }): Promise<StoredObject>;
}

export interface DownloadOptions {
  readonly contentType: string;
  /** The whole header value. */
  readonly contentDisposition: string;
  /** The link must not outlive this moment. */
  readonly expiresAt: Date;
}

/**
 * Where the bytes lie. Keys are `<asset id>/<name>`; all objects of an asset share the prefix `<asset id>/`.
 * Every failure of the storage itself is STORAGE_UNAVAILABLE with its cause kept; a failure of the source or an abort is rethrown as it came.
 */
export interface ObjectStorage {
  /** How a key is written in `media_assets.storage_uri`: `gs://bucket/key` or `disk:key`. */
  uriOf(key: string): string;
  /**
   * Stores all of `source` under `key`, in one pass, all or nothing: the object is visible, durable and verified by its CRC32C when this
   * resolves, and nothing is left when it rejects. Create-only: rejects when the key exists, leaving what is there. Ends or destroys `source`,
   * which may have failed already when it is handed over.
   */
  put(key: string, source: Readable, options: PutOptions): Promise<StoredObject>;
  /**
   * The object's bytes, or those of `range` (which must lie inside the object). The caller reads or destroys the stream; destroying it at any
   * moment leaks nothing. Rejects with NOT_FOUND when there is no such object.
   */
  read(key: string, options: { range?: ByteRange; signal: AbortSignal }): Promise<Readable>;
  /**
   * Shows all of an object's bytes to `see`, piece by piece. A piece is lent: when `see` has returned its memory is used again, because a new buffer for each would be
   * as much garbage as the object is large. Rejects with NOT_FOUND, with what `see` throws, or with the signal's reason.
   */
  scan(key: string, see: (piece: Buffer) => void, signal: AbortSignal): Promise<void>;
  /** Size and checksum, or undefined when there is no such object. */
  stat(key: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  /** Removes every object whose key begins with `prefix` (which ends in `/`), and what a {@link UploadReceiver} holds of such. Absent is no error. */
  removeAll(prefix: string, signal: AbortSignal): Promise<void>;
  /**
   * Every object there is, in the order of their keys (byte by byte), at a memory that does not grow with their number. Slow: for `npm run reconcile`,
   * never for a request. Not a snapshot: what comes or goes meanwhile may be in it or not. In a bucket, objects that are none of ours are in it too.
   */
  list(signal: AbortSignal): AsyncIterable<ListedObject>;
  /** Whether {@link downloadUrl} gives links. */
  readonly redirects: boolean;
  /** A short-lived link to the bytes on the storage itself, or undefined when they are to be streamed through {@link read}. */
  downloadUrl(key: string, options: DownloadOptions): Promise<string | undefined>;
  /** Resolves when the storage answers. */
  check(signal: AbortSignal): Promise<void>;
  /** Uploads whose bytes the client sends by itself, in pieces, and goes on with after anything that went wrong. */
  readonly sessions: UploadSessions;
}

/** What a list asks for. */
export interface PageQuery {
  readonly ownerId: string;
  /** 1 to 100. */
  readonly first: number;
  /** Only what comes after this position. */
  readonly after?: Position;
  readonly filter: PageFilter;
}

export interface PageFilter {
  readonly kind?: MediaKind;
  readonly status?: MediaStatus;
  readonly tag?: string;
  /** Case-insensitive part of filename, title or altText; `%` and `_` mean themselves. */
  readonly search?: string;
}

/** A place in the newest-first order: creation time, then id. */
export interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

/** Totals of what a user may see, kept beside the rows: reading it counts nothing. */
export interface Usage {
  readonly count: number;
  readonly sizeBytes: number;
}

/** What UpdateMediaInput may change; an absent field stays. */
export interface AssetChange {
  readonly title?: string | null;
  readonly altText?: string | null;
  readonly tags?: readonly string[];
  /** Images only. */
  readonly focus?: Point | null;
}

/** What a comparison with the storage needs to know of a row. */
export interface InventoryRow {
  readonly id: string;
  readonly state: AssetState;
  readonly sizeBytes: number;
}

/** Where a client sends the bytes of a direct upload. */
export interface UploadSession {
  /** On the storage, a bearer secret; undefined when it is one of this server, or was not opened. See {@link UploadSessions}. */
  readonly uri: string | undefined;
}

/** Something that has to be taken away: all bytes of an asset, then its row, which is `DELETING`. */
export interface Unfinished {
  readonly id: string;
  /** Of a direct upload that was never complete: it has to be ended first, or else an object could come out of it later. */
  readonly session: UploadSession | undefined;
}

/** A direct upload that is not complete. */
export interface PendingUpload {
  /** `UPLOADING`, with the type that was declared. */
  readonly asset: MediaAsset;
  /** As announced, and reserved. */
  readonly sizeBytes: number;
  readonly session: UploadSession;
}

/** Who completes a direct upload (a name of its own for each attempt), and for how long without claiming it again. */
export interface Claim {
  readonly by: string;
  readonly seconds: number;
}

/**
 * The rows. Methods that take an `ownerId` see only rows of that owner in a public state (PROCESSING, READY, FAILED).
 * A database that does not answer within its limit is STORAGE_UNAVAILABLE. Usage and reservations change in the same transaction as the rows.
 */
export interface MediaStore {
  /**
   * Saves a new `UPLOADING` row, its sign of life and a reservation of `reserveBytes`.
   * QUOTA_EXCEEDED, and nothing saved, when `quotaBytes` is given and stored + reserved + `reserveBytes` would pass it. Exact under concurrency.
   * IDEMPOTENCY_CONFLICT, and nothing saved, when another upload of the user has the key; the row keeps it until it is `DELETING`.
   * One that `isAnnounced` is a direct upload of `reserveBytes`, pending until it is complete.
   */
  begin(
    asset: MediaAsset,
    reservation: {
      reserveBytes: number;
      quotaBytes: number | undefined;
      idempotencyKey?: string | undefined;
      isAnnounced?: boolean;
    },
  ): Promise<void>;
  /**
   * Whose a user's idempotency key is: an asset's, an upload's that is `RUNNING`, or nobody's. Nobody's it becomes `lifeSeconds` after the upload began
   * (not while it runs), and when a running upload has given no sign of life for `silenceSeconds`: that one becomes `DELETING`.
   */
  findByKey(
    ownerId: string,
    key: string,
    limits: { lifeSeconds: number; silenceSeconds: number },
  ): Promise<MediaAsset | 'RUNNING' | undefined>;
  /** Raises the row's reservation to `reserveBytes` in all (never lowers it) and gives a sign of life. QUOTA_EXCEEDED as in {@link begin}. False when the row is no longer `UPLOADING`. */
  reserve(id: string, reservation: { reserveBytes: number; quotaBytes: number | undefined }): Promise<boolean>;
  /** Gives a sign of life of a running upload. False when the row is no longer `UPLOADING`: the upload was given up. */
  touch(id: string): Promise<boolean>;
  /** Makes the asset visible: saves its facts and state, turns the reservation into usage. False, and nothing changed, when the row is no longer `UPLOADING`. */
  commit(asset: MediaAsset): Promise<boolean>;
  /**
   * `UPLOADING` -> `DELETING`, leased to the caller, its reservation freed. True when the bytes are nobody's now: the row is `DELETING` or gone.
   * False when the row is public, because a commit whose answer was lost had succeeded: the bytes must stay.
   */
  abandon(id: string): Promise<boolean>;
  find(ownerId: string, id: string): Promise<MediaAsset | undefined>;
  /** An asset in a public state whoever owns it: for signed links only. */
  findShared(id: string): Promise<MediaAsset | undefined>;
  /** Newest first; one more than `first` rows when there are more. */
  page(query: PageQuery): Promise<MediaAsset[]>;
  count(ownerId: string, filter: PageFilter): Promise<number>;
  usage(ownerId: string): Promise<Usage>;
  update(ownerId: string, id: string, change: AssetChange, now: Date): Promise<MediaAsset | undefined>;
  /** Public state -> `DELETING`, usage lowered: from here on nobody sees it. Undefined when there is none (or somebody else was first). */
  startDeletion(ownerId: string, id: string): Promise<MediaAsset | undefined>;
  /**
   * Takes up to `limit` pieces of unfinished business, oldest first, and leases them for `leaseSeconds`, so that other processes pass them by:
   * `UPLOADING` rows without a sign of life for `graceSeconds` become `DELETING` (reservation freed), `DELETING` rows whose lease ran out are taken again.
   * One atomic statement: a row that shows life meanwhile is not taken.
   */
  claimUnfinished(options: { graceSeconds: number; leaseSeconds: number; limit: number }): Promise<Unfinished[]>;
  /**
   * Removes a `DELETING` row after its bytes are gone. False, and nothing removed, while somebody may still be adding an object ({@link expectObject}):
   * then a later sweep has to look again.
   */
  forget(id: string): Promise<boolean>;
  /**
   * Says that an object will be added to an asset within `seconds`, so that the row of one that is deleted meanwhile stays until then, and nothing
   * that a crash leaves is ever without a row. The moment it holds until; undefined when the asset is not in a public state.
   */
  expectObject(id: string, seconds: number): Promise<Date | undefined>;
  /** Takes {@link expectObject} back, unless somebody expects another one later than `until`. False when the asset is not in a public state (any more). */
  objectArrived(id: string, until: Date): Promise<boolean>;
  /** How many direct uploads of a user are pending. */
  countPending(ownerId: string): Promise<number>;
  /**
   * Keeps the session of a pending upload, so that whoever takes the upload away can end it; from now on it needs no other sign of life `until` then. False
   * when the upload is not pending any more.
   */
  keepSession(id: string, session: UploadSession & { readonly until: Date }): Promise<boolean>;
  /** A pending upload, whoever owns it. */
  findPending(id: string): Promise<PendingUpload | undefined>;
  /**
   * Lets one of those who want to complete a pending upload do it, and gives a sign of life; claimed again by the same, it lasts longer. `TAKEN`: somebody
   * else has it. `OVER`: it is not pending any more.
   */
  claimCompletion(id: string, claim: Claim): Promise<'CLAIMED' | 'TAKEN' | 'OVER'>;
  /** Ends the claim of `by`, if it still has it. */
  leaveCompletion(id: string, by: string): Promise<void>;
  /**
   * A user's pending upload -> `DELETING`, its reservation freed. Undefined when there is none. While somebody completes it, {@link forget} keeps the row,
   * because bytes may still be added.
   */
  startCancellation(ownerId: string, id: string): Promise<Unfinished | undefined>;
  /** Rows in any state and of anybody, in the order of their ids, `from` included: the first `limit`. For `npm run reconcile`. */
  inventory(options: { from: string; limit: number }): Promise<InventoryRow[]>;
  /** Resolves when the database answers. */
  check(signal: AbortSignal): Promise<void>;
}

/** Bytes that can be read in any order without holding them all. */
export interface RandomAccessBytes {
  readonly sizeBytes: number;
  /** The bytes of `range`, whole; `range` lies inside the file. */
  read(range: ByteRange): Promise<Buffer>;
}

export interface ImageTools {
  /**
   * Proves an image whole and measures it, in one decode: checks the structure to its end and pixels x frames against `maxPixels` before decoding.
   * `mimeType` is what sniffing found; only its decoder is used. INVALID_MEDIA when empty, truncated, undecodable or with too many pixels;
   * OVERLOADED (with Retry-After) when there is no room to decode now.
   */
  inspect(bytes: Buffer, options: { mimeType: string; maxPixels: number; signal: AbortSignal }): Promise<ImageFacts>;
  /**
   * Cuts positions and device serial numbers out of an image, in place: no pixel is touched, and no byte moves. Returns whether anything
   * was changed. INVALID_MEDIA when it is not built as its type is.
   */
  cutLocation(bytes: Buffer, mimeType: string): boolean;
  /**
   * Makes pictures of one image, all from one decode: upright, sRGB, without metadata, of exactly the sizes asked for. When there is room, it reads
   * the image, then calls `take` once for the orders it shall fill, and delivers each as soon as it is made; one that cannot be made fails alone.
   * Rejects when nothing could be taken or decoded: OVERLOADED (with Retry-After) when there is no room now, or `read`'s own failure.
   */
  render(
    image: PictureSource,
    orders: { largestPixels: number; take: () => readonly PictureOrder[]; signal: AbortSignal },
  ): Promise<void>;
}

/** What a picture can be encoded in. */
export type PictureFormat = 'WEBP' | 'AVIF' | 'JPEG' | 'PNG';

/** A place in a picture: 0 to 1, from the left and from the top. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A picture to be made of an image. */
export interface PicturePlan {
  /** Pixels; never more than the image can fill without being enlarged. */
  readonly width: number;
  readonly height: number;
  /** INSIDE: all of the image, of the same proportions. COVER: cropped. CONTAIN: padded, transparent or, in JPEG, white. */
  readonly fit: 'INSIDE' | 'COVER' | 'CONTAIN';
  /** What COVER keeps in sight; without it, what draws attention. */
  readonly focus?: Point;
  /** WEBP keeps an animation that is small enough, the others take its first frame. JPEG puts transparency on white. */
  readonly format: PictureFormat;
}

/** A picture somebody waits for. */
export interface PictureOrder {
  readonly plan: PicturePlan;
  deliver(bytes: Buffer): void;
  fail(error: unknown): void;
}

/** An image that was proved before. */
export interface PictureSource {
  /** The same for the same bytes: what was decoded a moment ago need not be decoded again. */
  readonly id: string;
  readonly mimeType: string;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  readonly animated: boolean;
  /** Whether it was uploaded a moment ago, so that several sizes of it will be asked for soon. */
  readonly isNew: boolean;
  /** As in {@link ImageTools.inspect}. */
  readonly maxPixels: number;
  /** The whole file, in memory that is the caller's to free. */
  read(signal: AbortSignal): Promise<Buffer>;
}

export interface VideoTools {
  /** Reads a video's container with a few ranged reads. INVALID_MEDIA when truncated or not the sniffed type; UNSUPPORTED_MEDIA_TYPE when it has no moving picture (sound, or sound with a cover). */
  probe(bytes: RandomAccessBytes, options: { mimeType: string; signal: AbortSignal }): Promise<VideoFacts>;
}

/** Who is asking: the `sub` of a valid token in an `Authorization` header. UNAUTHENTICATED otherwise. */
export type Authenticate = (authorization: string | undefined) => Promise<string>;

/** The current time. */
export type Clock = () => Date;

/** A new UUIDv7, lower case. */
export type NewId = () => string;

/** Where the application speaks to its operator. Never given a secret, a token or a user's bytes. */
export interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
