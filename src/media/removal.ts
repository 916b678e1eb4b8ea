import { keyPrefix, originalKey } from './policy.ts';
import type { Log, MediaStore, ObjectStorage, Unfinished } from './ports.ts';
import type { UnderWay } from './under-way.ts';

/** Takes away what is left of uploads and assets: session, bytes, row, in this order. What it cannot finish now is the sweep's. */
export class Removal {
  readonly #storage: ObjectStorage;
  readonly #store: MediaStore;
  readonly #log: Log;
  readonly #underWay: UnderWay;

  constructor(options: { storage: ObjectStorage; store: MediaStore; log: Log; underWay: UnderWay }) {
    this.#storage = options.storage;
    this.#store = options.store;
    this.#log = options.log;
    this.#underWay = options.underWay;
  }

  /** Leaves nothing of an upload that failed. False when the asset turned out to be visible, and so was left alone. */
  async discard(upload: Unfinished): Promise<boolean> {
    try {
      if (!(await this.#store.abandon(upload.id))) return false;
    } catch (error) {
      this.#log.warn({ err: error, assetId: upload.id }, 'A failed upload could not be given up now; the sweep will do it');
      return true;
    }
    await this.purge(upload);
    return true;
  }

  /** Removes the bytes and the row of an asset that is `DELETING`. False when that has to be tried again later. */
  purge(unfinished: Unfinished, stopping?: AbortSignal): Promise<boolean> {
    const patience = AbortSignal.timeout(storagePatienceMs);
    return this.#underWay.track(
      this.#purgeWithin(unfinished, stopping === undefined ? patience : AbortSignal.any([stopping, patience])),
    );
  }

  async #purgeWithin({ id, session }: Unfinished, signal: AbortSignal): Promise<boolean> {
    try {
      // First: a session that lives on could make an object of an asset that nobody knows any more.
      if (session !== undefined) await this.#storage.sessions.cancel(originalKey(id), session.uri, signal);
      await this.#storage.removeAll(keyPrefix(id), signal);
      // False while a rendition may be on its way: whoever makes it, or the sweep, comes again.
      return await this.#store.forget(id);
    } catch (error) {
      this.#log.warn(
        { err: error, assetId: id },
        'The bytes of a deleted asset could not be removed now; the sweep will try again',
      );
      return false;
    }
  }
}

/** A storage that has not answered a small call for so long counts as away, in milliseconds. */
export const storagePatienceMs = 15_000;
