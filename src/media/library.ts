import { Readable } from 'node:stream';
import { MediakeepError } from '../errors.ts';
import { decodeCursor, encodeCursor, uuidPattern } from './cursor.ts';
import { Delivery, type LinkQuery, type Rendition, type SharedFile, type SrcsetRequest } from './delivery.ts';
import { type DirectUpload, DirectUploads, type UploadAnnouncement } from './direct-uploads.ts';
import { answerAgain, keyLimits } from './idempotency.ts';
import type { IncomingSession } from './incoming-session.ts';
import { type Identified, identify, Meter, pour } from './intake.ts';
import type { LinkSigner } from './links.ts';
import {
  ImageAsset,
  isImage,
  type MediaAsset,
  type MediaKind,
  mediaKinds,
  mediaStatuses,
  type NewAsset,
  notFound,
  VideoAsset,
} from './media-asset.ts';
import { maxBytes, originalKey } from './policy.ts';
import type { AssetChange, Clock, Log, MediaStore, NewId, PageFilter, Point, Usage } from './ports.ts';
import { Proof, type ProofDependencies } from './proof.ts';
import { Removal } from './removal.ts';
import { RenditionShelf } from './rendition-shelf.ts';
import { cleanFocus, plansAhead, type RenditionRequest } from './renditions.ts';
import { lostTouch, signIntervalSeconds, withSignsOfLife } from './signs-of-life.ts';
import {
  assertStorable,
  cleanAltText,
  cleanDescription,
  cleanFilename,
  cleanTags,
  cleanTitle,
  maxSearchLength,
  type RawDescription,
} from './text.ts';
import { UnderWay } from './under-way.ts';
import { UploadSlots } from './upload-slots.ts';

/** One file on its way in, whichever door it comes through. */
export interface UploadRequest extends RawDescription {
  readonly kind: MediaKind;
  /** As the client sent it. */
  readonly filename: string | null | undefined;
  /** The file's bytes. The library reads it to its end or destroys it. */
  readonly source: Readable;
  /** The client's name for this upload, by which it may ask again without uploading twice; see idempotency.ts. */
  readonly idempotencyKey?: string | undefined;
}

/** What a list asks for, as a client sent it. */
export interface ListRequest {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly kind?: MediaKind | null | undefined;
  readonly status?: MediaAsset['status'] | null | undefined;
  readonly tag?: string | null | undefined;
  readonly search?: string | null | undefined;
}

/** A page of a list, newest first. */
export interface Page {
  readonly assets: readonly MediaAsset[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** How many assets the filter fits in all. Asks the database when it is called. */
  readonly totalCount: () => Promise<number>;
}

/** What an update may change; an absent field stays, null clears. */
export interface ChangeRequest extends RawDescription {
  /** Images only: 0 to 1, from the left and from the top. */
  readonly focus?: Point | null | undefined;
}

/** Usage as the client sees it. */
export interface UsageReport extends Usage {
  readonly quotaBytes: number | null;
}

export interface LibraryDependencies extends ProofDependencies {
  readonly store: MediaStore;
  readonly links: LinkSigner;
  /** An upload without a sign of life for so long counts as abandoned; a running one gives one at least four times as often. */
  readonly uploadGraceSeconds: number;
  /** How long the session of a direct upload lives. */
  readonly uploadSessionSeconds: number;
  /** Widths of WebP renditions that are made in the background right after an upload. */
  readonly pregenerateWidths: readonly number[];
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
}

/** Most items of one page. */
export const maxPageSize = 100;
const defaultPageSize = 20;

/** How long one process keeps a piece of unfinished business to itself, in seconds: longer than a removal may take (removal.ts). */
const leaseSeconds = 60;

/**
 * Every operation of the product. The doors (GraphQL, REST, links) translate and call; nothing else decides.
 * Methods throw MediakeepError with the code of the contract; `ownerId` is the signed-in user.
 */
export class MediaLibrary {
  readonly #with: LibraryDependencies;
  readonly #underWay = new UnderWay();
  readonly #proof: Proof;
  readonly #removal: Removal;
  readonly #slots: UploadSlots;
  readonly #direct: DirectUploads;
  readonly #shelf: RenditionShelf;
  readonly #delivery: Delivery;

  constructor(dependencies: LibraryDependencies) {
    this.#with = dependencies;
    this.#proof = new Proof(dependencies);
    this.#removal = new Removal({ ...dependencies, underWay: this.#underWay });
    this.#shelf = new RenditionShelf({
      ...dependencies,
      maxPixels: dependencies.limits.maxImagePixels,
      purge: (id) => this.#removal.purge({ id, session: undefined }),
    });
    this.#delivery = new Delivery({ ...dependencies, shelf: this.#shelf });
    this.#slots = new UploadSlots(dependencies.limits);
    this.#direct = new DirectUploads({
      ...dependencies,
      proof: this.#proof,
      removal: this.#removal,
      slots: this.#slots,
      underWay: this.#underWay,
      onImage: (image) => this.#prepare(image),
    });
  }

  /**
   * Takes one file. Resolves when its bytes are stored, proved and visible; when it rejects, neither row nor object is left
   * (or the row says `DELETING` and the sweep finishes it).
   * With an idempotency key that was used before, the same bytes get the same asset, and others IDEMPOTENCY_CONFLICT.
   * UNSUPPORTED_MEDIA_TYPE, INVALID_MEDIA, FILE_TOO_LARGE, QUOTA_EXCEEDED, RATE_LIMITED, OVERLOADED, STORAGE_UNAVAILABLE, BAD_USER_INPUT, or the
   * source's failure.
   */
  async upload(ownerId: string, request: UploadRequest): Promise<MediaAsset> {
    // It may fail while we are still looking the upload up; without a listener that would end the process.
    request.source.on('error', () => undefined);
    const leave = await destroyingOnFailure(request.source, async () => this.#slots.enter(ownerId));
    try {
      const described = await destroyingOnFailure(request.source, async () => this.#describe(ownerId, request));
      const former = await destroyingOnFailure(request.source, () => this.#formerUpload(ownerId, request.idempotencyKey));
      return former === undefined ? await this.#receive(described, request) : await this.#repeat(former, request);
    } finally {
      leave();
    }
  }

  /** See {@link DirectUploads.create}. */
  async createUpload(ownerId: string, announcement: UploadAnnouncement): Promise<DirectUpload> {
    return await this.#direct.create(ownerId, announcement);
  }

  /** See {@link DirectUploads.complete}. */
  async completeUpload(ownerId: string, id: string): Promise<MediaAsset> {
    return await this.#direct.complete(ownerId, id);
  }

  /** See {@link DirectUploads.completeArrived}. */
  async completeArrived(id: string): Promise<void> {
    await this.#direct.completeArrived(id);
  }

  /** See {@link DirectUploads.openSession}. */
  async openSession(id: string, query: LinkQuery): Promise<IncomingSession | 'OVER' | undefined> {
    return await this.#direct.openSession(id, query);
  }

  /** The user's asset, or undefined; an id that is no UUID is simply not there. */
  async get(ownerId: string, id: string): Promise<MediaAsset | undefined> {
    return uuidPattern.test(id) ? await this.#with.store.find(ownerId, id) : undefined;
  }

  /** A page of the user's assets, newest first. BAD_USER_INPUT for a `first`, cursor or filter that does not fit. */
  async page(ownerId: string, request: ListRequest): Promise<Page> {
    const first = pageSize(request.first);
    const filter = cleanFilter(request);
    const after = request.after === null || request.after === undefined ? undefined : decodeCursor(request.after);
    const rows = await this.#with.store.page({ ownerId, first, filter, ...(after && { after }) });
    return {
      assets: rows.slice(0, first),
      hasNextPage: rows.length > first,
      hasPreviousPage: after !== undefined,
      totalCount: () => this.#count(ownerId, filter),
    };
  }

  /** Changes title, alternative text, tags or an image's focus. NOT_FOUND, BAD_USER_INPUT. */
  async update(ownerId: string, id: string, request: ChangeRequest): Promise<MediaAsset> {
    const change: AssetChange = {
      ...(request.title !== undefined && { title: cleanTitle(request.title) }),
      ...(request.altText !== undefined && { altText: cleanAltText(request.altText) }),
      ...(request.tags !== undefined && { tags: cleanTags(request.tags) }),
      ...(request.focus !== undefined && { focus: cleanFocus(request.focus) }),
    };
    if (change.focus !== undefined) await this.#assertImage(ownerId, id);
    const asset = uuidPattern.test(id) ? await this.#with.store.update(ownerId, id, change, this.#with.clock()) : undefined;
    if (asset === undefined) throw notFound();
    return asset;
  }

  /**
   * Deletes row and bytes, of an asset or of a direct upload that is not complete. `purged` is false when the storage did not answer: it is gone for
   * everybody, the sweep removes the bytes. NOT_FOUND.
   */
  async remove(ownerId: string, id: string): Promise<{ id: string; purged: boolean }> {
    if (!uuidPattern.test(id)) throw notFound();
    // Again, because an upload may become an asset between the first two questions.
    const removed =
      (await this.#removeAsset(ownerId, id)) ??
      (await this.#direct.cancel(ownerId, id)) ??
      (await this.#removeAsset(ownerId, id));
    if (removed === undefined) throw notFound();
    return removed;
  }

  /** How much the user holds. */
  async usage(ownerId: string): Promise<UsageReport> {
    return { ...(await this.#with.store.usage(ownerId)), quotaBytes: this.#with.limits.userQuotaBytes ?? null };
  }

  /** See {@link Delivery.linkTo}. */
  linkTo(asset: MediaAsset, expiresIn: number): string {
    return this.#delivery.linkTo(asset, expiresIn);
  }

  /** See {@link Delivery.renditionOf}. */
  renditionOf(image: ImageAsset, request: RenditionRequest): Rendition {
    return this.#delivery.renditionOf(image, request);
  }

  /** See {@link Delivery.srcsetOf}. */
  srcsetOf(image: ImageAsset, request: SrcsetRequest): string {
    return this.#delivery.srcsetOf(image, request);
  }

  /** See {@link Delivery.open}. */
  async openLink(path: string, query: LinkQuery): Promise<SharedFile | undefined> {
    return await this.#delivery.open(path, query);
  }

  /** Resolves when nothing that was begun is under way any more: no upload that has a row, no removal of bytes, no rendition. */
  async settled(): Promise<void> {
    await this.#underWay.settled();
    await this.#shelf.settled();
  }

  /**
   * Finishes what crashes and outages cut off: abandoned uploads and deletions whose bytes are still there. Safe in many processes at once.
   * Returns how many it finished. An abort ends it soon; what it has taken by then is free for others when its lease runs out.
   */
  async sweep(stopping: AbortSignal = new AbortController().signal): Promise<number> {
    const batch = { graceSeconds: this.#with.uploadGraceSeconds, leaseSeconds, limit: 50 };
    let finished = 0;
    while (!stopping.aborted) {
      const taken = await this.#with.store.claimUnfinished(batch);
      const purged = await Promise.all(taken.map((each) => this.#removal.purge(each, stopping)));
      const gone = purged.filter(Boolean).length;
      finished += gone;
      // A storage that takes nothing away now would be asked, and waited for, again and again.
      if (taken.length < batch.limit || gone === 0) return finished;
    }
    return finished;
  }

  async #removeAsset(ownerId: string, id: string): Promise<{ id: string; purged: boolean } | undefined> {
    const asset = await this.#with.store.startDeletion(ownerId, id);
    if (asset === undefined) return undefined;
    // What was handed out a moment ago may still be on its way into the storage.
    await this.#shelf.landed(id);
    return { id, purged: await this.#removal.purge({ id, session: undefined }) };
  }

  #prepare(image: ImageAsset): void {
    this.#shelf.prepare(image, plansAhead(image, this.#with.pregenerateWidths));
  }

  async #assertImage(ownerId: string, id: string): Promise<void> {
    const asset = await this.get(ownerId, id);
    if (asset === undefined) throw notFound();
    if (!isImage(asset)) throw new MediakeepError('BAD_USER_INPUT', 'Only an image has a `focus`.');
  }

  async #formerUpload(ownerId: string, key: string | undefined): Promise<MediaAsset | 'RUNNING' | undefined> {
    return key === undefined ? undefined : await this.#with.store.findByKey(ownerId, key, keyLimits);
  }

  async #receive(described: Omit<NewAsset, 'mimeType'>, { kind, source, idempotencyKey }: UploadRequest): Promise<MediaAsset> {
    const file = await identify(source, kind);
    const asset = { ...described, mimeType: file.mimeType };
    return kind === 'IMAGE'
      ? await this.#uploadImage(ImageAsset.begin(asset), file, idempotencyKey)
      : await this.#uploadVideo(VideoAsset.begin(asset), file, idempotencyKey);
  }

  #describe(ownerId: string, request: UploadRequest): Omit<NewAsset, 'mimeType'> {
    const id = this.#with.newId();
    return {
      ...cleanDescription(request),
      id,
      ownerId,
      filename: cleanFilename(request.filename),
      storageUri: this.#with.storage.uriOf(originalKey(id)),
      now: this.#with.clock(),
    };
  }

  /** An image is proved in memory before anything is written: a refused one touches neither database nor storage. */
  async #uploadImage(asset: ImageAsset, file: Identified, idempotencyKey: string | undefined): Promise<MediaAsset> {
    const { limits, store, clock } = this.#with;
    const { bytes, facts, release, reuse } = await this.#proof.gather(file);
    // Of an upload that failed, a decode or a write that was given up may still be under way.
    let giveBack = release;
    try {
      const imageFacts = await this.#proof.inspectImage(bytes, asset.mimeType);
      await store.begin(asset, { reserveBytes: facts.sizeBytes, quotaBytes: limits.userQuotaBytes, idempotencyKey });
      await this.#finish(asset, async (signal) => {
        await this.#put(asset, Readable.from([bytes], { objectMode: false }), signal);
        asset.ready(facts, imageFacts, clock());
      });
      giveBack = reuse;
      this.#prepare(asset);
      return asset;
    } finally {
      giveBack();
    }
  }

  /** The bytes of a repeated upload are compared with what was stored of the first one. */
  async #repeat(former: MediaAsset | 'RUNNING', request: UploadRequest): Promise<MediaAsset> {
    const { kind, source } = request;
    if (former === 'RUNNING' || kind === 'VIDEO' || !this.#with.stripsLocation) return await answerAgain(former, request);
    const { bytes, release } = await this.#proof.gather(await identify(source, kind));
    try {
      return await answerAgain(former, { kind, source: Readable.from([bytes], { objectMode: false }) });
    } finally {
      release();
    }
  }

  /** A video flows through to the storage; its container is read there, by a few ranged reads. */
  async #uploadVideo(asset: VideoAsset, file: Identified, idempotencyKey: string | undefined): Promise<MediaAsset> {
    const { limits, store, clock } = this.#with;
    const quotaBytes = limits.userQuotaBytes;
    const meter = new Meter({
      kind: 'VIDEO',
      limitBytes: maxBytes(limits, 'VIDEO'),
      // Exactly what has arrived is reserved, never a guess: an upload that just fits is not refused because another one might grow.
      ...(quotaBytes !== undefined && { onArrival: (reserveBytes: number) => this.#reserve(asset, reserveBytes, quotaBytes) }),
    });
    try {
      await store.begin(asset, { reserveBytes: 0, quotaBytes, idempotencyKey });
    } catch (error) {
      file.rest.destroy();
      throw error;
    }
    return await this.#finish(asset, async (signal) => {
      pour(file, meter);
      await this.#put(asset, meter, signal);
      const facts = meter.facts();
      asset.ready(facts, await this.#proof.probeVideo(asset, facts.sizeBytes), clock());
    });
  }

  async #reserve(asset: MediaAsset, reserveBytes: number, quotaBytes: number): Promise<void> {
    if (!(await this.#with.store.reserve(asset.id, { reserveBytes, quotaBytes }))) throw lostTouch();
  }

  /** Runs what stands between the first row and the last, with signs of life; then makes the asset visible, or leaves nothing of it. */
  #finish(asset: MediaAsset, work: (signal: AbortSignal) => Promise<void>): Promise<MediaAsset> {
    return this.#underWay.track(this.#finishOrDiscard(asset, work));
  }

  async #finishOrDiscard(asset: MediaAsset, work: (signal: AbortSignal) => Promise<void>): Promise<MediaAsset> {
    const { store, uploadGraceSeconds, log } = this.#with;
    const signs = {
      assetId: asset.id,
      everySeconds: signIntervalSeconds(uploadGraceSeconds),
      give: () => store.touch(asset.id),
      log,
    };
    try {
      await withSignsOfLife(signs, async (signal) => {
        await work(signal);
        if (!(await store.commit(asset))) throw lostTouch();
      });
      return asset;
    } catch (error) {
      if (await this.#removal.discard({ id: asset.id, session: undefined })) throw error;
      // The answer to the commit was lost, not the commit: the asset is visible, so its bytes must stay.
      return asset;
    }
  }

  #put(asset: MediaAsset, source: Readable, signal: AbortSignal): Promise<unknown> {
    return this.#with.storage.put(originalKey(asset.id), source, {
      contentType: asset.mimeType,
      filename: asset.filename,
      metadata: { assetId: asset.id, owner: asset.ownerId },
      signal,
    });
  }

  async #count(ownerId: string, filter: PageFilter): Promise<number> {
    const { store } = this.#with;
    return Object.keys(filter).length === 0 ? (await store.usage(ownerId)).count : await store.count(ownerId, filter);
  }
}

async function destroyingOnFailure<T>(source: Readable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    source.destroy();
    throw error;
  }
}

function pageSize(first: number | null | undefined): number {
  const size = first ?? defaultPageSize;
  if (Number.isInteger(size) && size >= 1 && size <= maxPageSize) return size;
  throw new MediakeepError('BAD_USER_INPUT', `\`first\` must be a whole number from 1 to ${maxPageSize}.`);
}

function cleanFilter({ kind, status, tag, search }: ListRequest): PageFilter {
  const text = search?.trim();
  if (text !== undefined && text.length > maxSearchLength) {
    throw new MediakeepError('BAD_USER_INPUT', `\`search\` has ${text.length} characters; at most ${maxSearchLength} fit.`);
  }
  return {
    ...(kind && { kind: oneOf('kind', mediaKinds, kind) }),
    ...(status && { status: oneOf('status', mediaStatuses, status) }),
    ...(tag !== null && tag !== undefined && { tag: assertStorable('tag', tag.trim()) }),
    ...(text && { search: assertStorable('search', text) }),
  };
}

function oneOf<T extends string>(field: string, values: readonly T[], value: T): T {
  if (values.includes(value)) return value;
  throw new MediakeepError('BAD_USER_INPUT', `\`${field}\` must be one of ${values.join(', ')}.`);
}

/** The cursor of an asset in the newest-first list. */
export function cursorOf(asset: MediaAsset): string {
  return encodeCursor(asset);
}
