import type { Readable } from 'node:stream';
import { MediakeepError } from '../errors.ts';
import type { MediaAsset } from './media-asset.ts';
import { originalKey } from './policy.ts';
import type { Log, MediaStore, ObjectStorage, StoredObject, UploadReceiver } from './ports.ts';
import { type Removal, storagePatienceMs } from './removal.ts';
import { withSignsOfLife } from './signs-of-life.ts';
import type { UploadSlots } from './upload-slots.ts';

export interface IncomingDependencies {
  readonly storage: ObjectStorage;
  readonly receiver: UploadReceiver;
  readonly store: MediaStore;
  readonly removal: Removal;
  readonly slots: UploadSlots;
  readonly log: Log;
  /** The asset to come, or that has come. */
  readonly asset: MediaAsset;
  readonly sizeBytes: number;
  /** Seconds between two signs of life. */
  readonly everySeconds: number;
}

/** How far a session is: the object it has made, or how many bytes it holds durably, from the first on. */
export type Standing = { readonly object: StoredObject } | { readonly heldBytes: number };

/** A session whose bytes come to this server, for whoever holds its link. */
export class IncomingSession {
  /** As announced. */
  readonly sizeBytes: number;
  readonly contentType: string;
  /** Of the object. */
  readonly name: string;
  readonly #with: IncomingDependencies;

  constructor(dependencies: IncomingDependencies) {
    this.#with = dependencies;
    this.sizeBytes = dependencies.sizeBytes;
    this.contentType = dependencies.asset.mimeType;
    this.name = originalKey(dependencies.asset.id);
  }

  /** NOT_FOUND when the upload was taken away, STORAGE_UNAVAILABLE. */
  async standing(): Promise<Standing> {
    return (await this.#object()) ?? (await this.#held());
  }

  /**
   * Takes bytes from `offset` on, which lies within what is held; what is held already is skipped. Resolves with what is held then; when `source` fails, what
   * had arrived stays. A newer call, in whichever process, stops this one. NOT_FOUND, RATE_LIMITED, OVERLOADED, STORAGE_UNAVAILABLE, RangeError for
   * more bytes than `limitBytes`, or the source's failure.
   */
  async receive(source: Readable, { offset, limitBytes }: { offset: number; limitBytes: number }): Promise<number> {
    const { receiver, slots, store, log, asset, everySeconds } = this.#with;
    const leave = slots.enter(asset.ownerId);
    const signs = { assetId: asset.id, everySeconds, give: () => store.touch(asset.id), log };
    try {
      return await withSignsOfLife(signs, (signal) => receiver.append(this.name, source, { offset, limitBytes, signal }));
    } finally {
      leave();
    }
  }

  /** Makes the object out of the bytes, which are all held. INVALID_MEDIA when they are not those of `crc32c`: then the upload is gone. NOT_FOUND, STORAGE_UNAVAILABLE. */
  async finish(crc32c: number | undefined): Promise<StoredObject> {
    const { receiver } = this.#with;
    try {
      return await receiver.finish(this.name, { sizeBytes: this.sizeBytes, crc32c, signal: patience() });
    } catch (error) {
      // Nobody knows which bytes are wrong, so that they cannot be mended.
      if (error instanceof MediakeepError && error.code === 'INVALID_MEDIA') await this.cancel();
      throw error;
    }
  }

  /** Takes the upload away. False when there is none any more, because it is complete. */
  async cancel(): Promise<boolean> {
    const { store, removal, asset } = this.#with;
    const cancelled = await store.startCancellation(asset.ownerId, asset.id);
    if (cancelled === undefined) return false;
    await removal.purge(cancelled);
    return true;
  }

  async #object(): Promise<Standing | undefined> {
    const object = await this.#with.storage.stat(this.name, patience());
    return object && { object };
  }

  async #held(): Promise<Standing> {
    try {
      return { heldBytes: await this.#with.receiver.held(this.name, patience()) };
    } catch (error) {
      // Somebody may have finished it between the two questions.
      const standing = await this.#object();
      if (standing === undefined) throw error;
      return standing;
    }
  }
}

function patience(): AbortSignal {
  return AbortSignal.timeout(storagePatienceMs);
}
