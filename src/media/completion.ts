import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32c } from '@node-rs/crc32';
import { MediakeepError } from '../errors.ts';
import { identify, measure } from './intake.ts';
import { type ImageAsset, isImage, isVideo, type MediaAsset, notFound, type VideoAsset } from './media-asset.ts';
import { headBytes, inBytes, keyPrefix, type Limits, maxBytes, originalKey } from './policy.ts';
import type { Clock, Log, MediaStore, NewId, ObjectStorage, PendingUpload, StoredObject } from './ports.ts';
import type { GatheredImage, Proof } from './proof.ts';
import { type Removal, storagePatienceMs } from './removal.ts';
import { lostTouch, signIntervalSeconds, withSignsOfLife } from './signs-of-life.ts';
import type { UploadSlots } from './upload-slots.ts';

export interface CompletionDependencies {
  readonly storage: ObjectStorage;
  readonly store: MediaStore;
  readonly limits: Limits;
  readonly proof: Proof;
  readonly removal: Removal;
  readonly slots: UploadSlots;
  readonly uploadGraceSeconds: number;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  /** Told of each image that has become visible. */
  readonly onImage: (image: ImageAsset) => void;
}

/**
 * Makes assets of direct uploads whose bytes are all in the storage: proves of them what is proved of any upload while it flows by. One at a time for
 * each upload, in all processes together; who comes second waits, and gets the same asset.
 */
export class Completion {
  readonly #with: CompletionDependencies;
  readonly #flights = new Map<string, Promise<MediaAsset>>();

  constructor(dependencies: CompletionDependencies) {
    this.#with = dependencies;
  }

  /**
   * Resolves with the asset, which is visible. UPLOAD_INCOMPLETE when not all bytes are there, and OVERLOADED, RATE_LIMITED and STORAGE_UNAVAILABLE, leave
   * everything as it is. UNSUPPORTED_MEDIA_TYPE, INVALID_MEDIA and FILE_TOO_LARGE leave nothing. NOT_FOUND when the upload is taken away meanwhile.
   */
  complete(upload: PendingUpload): Promise<MediaAsset> {
    const { id } = upload.asset;
    const flight = this.#flights.get(id) ?? this.#attempt(upload).finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
  }

  async #attempt(upload: PendingUpload): Promise<MediaAsset> {
    const { asset } = upload;
    const leave = this.#with.slots.enter(asset.ownerId);
    try {
      const attempt = new Attempt(upload, this.#with);
      return (await attempt.hasTurn()) ? await attempt.run() : await this.#seen(asset.id);
    } finally {
      leave();
    }
  }

  async #seen(id: string): Promise<MediaAsset> {
    const asset = await this.#with.store.findShared(id);
    if (asset === undefined) throw notFound();
    return asset;
  }
}

/** One try to complete an upload. */
class Attempt {
  readonly #upload: PendingUpload;
  readonly #with: CompletionDependencies;
  readonly #id: string;
  readonly #key: string;
  readonly #claim: { readonly by: string; readonly seconds: number };
  /** Between the removal of what was sent and the arrival of what takes its place. */
  #isWithoutBytes = false;

  constructor(upload: PendingUpload, dependencies: CompletionDependencies) {
    this.#upload = upload;
    this.#with = dependencies;
    this.#id = upload.asset.id;
    this.#key = originalKey(upload.asset.id);
    this.#claim = { by: dependencies.newId(), seconds: claimSeconds };
  }

  /** Waits for whoever completes it already, in whichever process. False when it is not pending any more. */
  async hasTurn(): Promise<boolean> {
    for (;;) {
      const claimed = await this.#with.store.claimCompletion(this.#id, this.#claim);
      if (claimed !== 'TAKEN') return claimed === 'CLAIMED';
      await sleep(turnMs);
    }
  }

  async run(): Promise<MediaAsset> {
    const { store, log, uploadGraceSeconds } = this.#with;
    const give = async (): Promise<boolean> => (await store.claimCompletion(this.#id, this.#claim)) === 'CLAIMED';
    // The claim must not run out, nor, after the session's own time, the grace.
    const everySeconds = Math.min(claimSeconds / 3, signIntervalSeconds(uploadGraceSeconds));
    const signs = { assetId: this.#id, everySeconds, give, log };
    try {
      return await withSignsOfLife(signs, (signal) => this.#complete(signal));
    } catch (error) {
      return await this.#giveUp(error);
    }
  }

  async #complete(signal: AbortSignal): Promise<MediaAsset> {
    const stored = await this.#with.storage.stat(this.#key, within(signal));
    const { asset, sizeBytes } = this.#upload;
    if (stored?.sizeBytes !== sizeBytes) throw incomplete(sizeBytes);
    if (isImage(asset)) await this.#completeImage(asset, stored, signal);
    else if (isVideo(asset)) await this.#completeVideo(asset, stored, signal);
    return asset;
  }

  /** As when it is sent in a form: proved in memory. */
  async #completeImage(asset: ImageAsset, stored: StoredObject, signal: AbortSignal): Promise<void> {
    const { storage, proof, clock } = this.#with;
    const file = await identify(await storage.read(this.#key, { signal }), 'IMAGE');
    asset.mimeType = file.mimeType;
    const image = await proof.gather(file, (bytes) => assertSame(stored, { sizeBytes: bytes.length, crc32c: crc32c(bytes) }));
    let giveBack = image.release;
    try {
      const facts = await proof.inspectImage(image.bytes, asset.mimeType);
      if (image.wasCut) await this.#replace(image, signal);
      asset.ready(image.facts, facts, clock());
      await this.#commit();
      giveBack = image.reuse;
    } finally {
      giveBack();
    }
    this.#with.onImage(asset);
  }

  /** Never in memory: first the container by a few ranged reads, then all of it flows by once. */
  async #completeVideo(asset: VideoAsset, stored: StoredObject, signal: AbortSignal): Promise<void> {
    const { storage, proof, limits, clock } = this.#with;
    const { sizeBytes } = stored;
    const head = { start: 0, end: Math.min(headBytes, sizeBytes) - 1 };
    const { mimeType, rest } = await identify(await storage.read(this.#key, { range: head, signal }), 'VIDEO');
    rest.destroy();
    asset.mimeType = mimeType;
    const facts = await proof.probeVideo(asset, sizeBytes);
    const bytes = await measure((see) => storage.scan(this.#key, see, signal), {
      kind: 'VIDEO',
      limitBytes: maxBytes(limits, 'VIDEO'),
    });
    assertSame(stored, bytes);
    asset.ready(bytes, facts, clock());
    await this.#commit();
  }

  /**
   * Puts an image out of which something was cut in the place of the one that was sent. There is a moment without either; whoever fails in it has lost the
   * bytes, so the upload ends. (Two keys would need a copy in the bucket, and would leave the uncut image there after a crash.)
   */
  async #replace(image: GatheredImage, signal: AbortSignal): Promise<void> {
    const { storage, store } = this.#with;
    const { asset } = this.#upload;
    if ((await store.claimCompletion(this.#id, this.#claim)) !== 'CLAIMED') throw lostTouch();
    this.#isWithoutBytes = true;
    await storage.removeAll(keyPrefix(this.#id), within(signal));
    await storage.put(this.#key, Readable.from([image.bytes], { objectMode: false }), {
      contentType: asset.mimeType,
      filename: asset.filename,
      metadata: { assetId: asset.id, owner: asset.ownerId },
      signal,
    });
    this.#isWithoutBytes = false;
  }

  async #commit(): Promise<void> {
    if (!(await this.#with.store.commit(this.#upload.asset))) throw lostTouch();
  }

  /** What became of an upload that could not be completed: refused for good, taken away or made visible by somebody else, or there for another try. */
  async #giveUp(error: unknown): Promise<MediaAsset> {
    const { store, removal } = this.#with;
    const isOver = isFinal(error) || this.#isWithoutBytes;
    await store.leaveCompletion(this.#id, this.#claim.by);
    if (!isOver && (await store.findPending(this.#id)) !== undefined) throw error;
    if (await removal.discard({ id: this.#id, session: this.#upload.session })) throw isOver ? error : notFound();
    const asset = await store.findShared(this.#id);
    if (asset === undefined) throw error;
    return asset;
  }
}

/** How long a claim lasts without being renewed, in seconds: what a process that died holds the others up. Longer than {@link storagePatienceMs}. */
const claimSeconds = 30;

/** How often somebody who waits looks whether it is their turn, in milliseconds. */
const turnMs = 400;

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(storagePatienceMs)]);
}

function assertSame(stored: StoredObject, read: StoredObject): void {
  if (stored.sizeBytes === read.sizeBytes && stored.crc32c === read.crc32c) return;
  throw new MediakeepError('STORAGE_UNAVAILABLE', 'The storage answered with other bytes than it holds. Please try again.');
}

function incomplete(sizeBytes: number): MediakeepError {
  const message = `Not all of the ${inBytes(sizeBytes)} that were announced have arrived yet. Send the rest, then complete the upload.`;
  return new MediakeepError('UPLOAD_INCOMPLETE', message);
}

/** Whether another try could only end alike. */
function isFinal(error: unknown): boolean {
  const codes = ['UNSUPPORTED_MEDIA_TYPE', 'INVALID_MEDIA', 'FILE_TOO_LARGE'];
  return error instanceof MediakeepError && codes.includes(error.code);
}
