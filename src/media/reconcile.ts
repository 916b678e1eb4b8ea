import { uuidPattern } from './cursor.ts';
import { mediaStatuses } from './media-asset.ts';
import { keyPrefix, originalKey } from './policy.ts';
import type { Clock, InventoryRow, ListedObject, MediaStore, ObjectStorage } from './ports.ts';

/** Something that is in the storage or in the table, and should be in both or in neither. */
export type Finding =
  /** Objects of an id that no row has, in any state: nobody can reach them. `young`: perhaps on their way; left alone. */
  | { readonly what: 'unknown'; readonly id: string; readonly objects: number; readonly sizeBytes: number; readonly fate: Fate }
  /** A visible asset whose original is not there. */
  | { readonly what: 'missing'; readonly id: string; readonly key: string; readonly sizeBytes: number }
  /** A visible asset whose original has another size. */
  | {
      readonly what: 'different';
      readonly id: string;
      readonly key: string;
      readonly sizeBytes: number;
      readonly storedBytes: number;
    };

type Fate = 'young' | 'kept' | 'removed';

/** What was compared, and what came of it. */
export interface Reconciliation {
  assets: number;
  /** Rows that are being uploaded or deleted: the sweep's business, not ours. */
  unfinishedAssets: number;
  objects: number;
  storedBytes: number;
  /** Objects whose keys are none of ours, in a shared bucket: never touched. */
  foreignObjects: number;
  /** Ids, as are the three below. */
  unknown: number;
  young: number;
  removed: number;
  missing: number;
  different: number;
}

export interface ReconcileOptions {
  readonly storage: Pick<ObjectStorage, 'list' | 'stat' | 'removeAll'>;
  readonly store: Pick<MediaStore, 'inventory'>;
  readonly clock: Clock;
  /** Unknown objects younger than this are left alone. */
  readonly minAgeSeconds: number;
  /** Whether unknown objects are removed. Nothing else is ever changed. */
  readonly apply: boolean;
  readonly signal: AbortSignal;
  readonly onFinding: (finding: Finding) => void;
  /** Told now and then how far it is. */
  readonly onProgress: (sofar: Readonly<Reconciliation>) => void;
}

/**
 * Compares storage and table in both directions: walks both in the order of the ids, side by side, so memory does not grow with their number. What only one
 * of them seems to have is looked up once more before it counts, because uploads and deletions go on meanwhile. STORAGE_UNAVAILABLE, or the signal's reason.
 */
export async function reconcile(options: ReconcileOptions): Promise<Reconciliation> {
  const reconciler = new Reconciler(options);
  await reconciler.run();
  return reconciler.result;
}

/** Whether unknown assets outnumber the known: the sign of a wrong database rather than of crashes. */
export function looksLikeAnotherDatabase({ unknown, young, assets }: Reconciliation): boolean {
  return unknown + young > assets;
}

/** Rows of one question to the database; and assets between two reports of progress. */
const pageRows = 1000;

/** A storage that does not answer a small call for so long is away, in milliseconds. */
const patienceMs = 30_000;

/** All objects of one id. */
interface Folder {
  readonly id: string;
  objects: number;
  sizeBytes: number;
  newest: Date;
  /** Of the original; undefined when there is none. */
  originalBytes: number | undefined;
}

class Reconciler {
  readonly result: Reconciliation = {
    assets: 0,
    unfinishedAssets: 0,
    objects: 0,
    storedBytes: 0,
    foreignObjects: 0,
    unknown: 0,
    young: 0,
    removed: 0,
    missing: 0,
    different: 0,
  };
  readonly #with: ReconcileOptions;

  constructor(options: ReconcileOptions) {
    this.#with = options;
  }

  async run(): Promise<void> {
    const rows = this.#rows();
    let row = await rows.next();
    for await (const folder of this.#folders()) {
      for (; !row.done && row.value.id < folder.id; row = await rows.next()) await this.#judge(row.value, undefined);
      if (row.done || row.value.id !== folder.id) await this.#judgeUnknown(folder);
      else {
        await this.#judge(row.value, folder);
        row = await rows.next();
      }
    }
    for (; !row.done; row = await rows.next()) await this.#judge(row.value, undefined);
  }

  async *#rows(): AsyncGenerator<InventoryRow, undefined> {
    let from: string | undefined = '00000000-0000-0000-0000-000000000000';
    while (from !== undefined) {
      this.#with.signal.throwIfAborted();
      // One more than a page, which begins the next.
      const page: InventoryRow[] = await this.#with.store.inventory({ from, limit: pageRows + 1 });
      yield* page.slice(0, pageRows);
      from = page[pageRows]?.id;
      this.#with.onProgress(this.result);
    }
  }

  async *#folders(): AsyncGenerator<Folder> {
    let folder: Folder | undefined;
    for await (const object of this.#with.storage.list(this.#with.signal)) {
      this.#count(object);
      const id = idOf(object.key);
      if (id === undefined) continue;
      if (folder !== undefined && folder.id !== id) yield folder;
      if (folder?.id !== id) folder = { id, objects: 0, sizeBytes: 0, newest: object.updatedAt, originalBytes: undefined };
      add(folder, object);
    }
    if (folder !== undefined) yield folder;
  }

  #count({ key, sizeBytes }: ListedObject): void {
    this.result.objects += 1;
    this.result.storedBytes += sizeBytes;
    if (idOf(key) === undefined) this.result.foreignObjects += 1;
    if (this.result.objects % pageRows === 0) this.#with.onProgress(this.result);
  }

  async #judge(row: InventoryRow, folder: Folder | undefined): Promise<void> {
    this.result.assets += 1;
    if (!isVisible(row)) {
      this.result.unfinishedAssets += 1;
    } else if (folder?.originalBytes !== row.sizeBytes) {
      await this.#judgeIncomplete(row.id);
    }
  }

  /** The asset may have come, or gone, after the object was looked for: so both are looked at again, the object first. */
  async #judgeIncomplete(id: string): Promise<void> {
    const key = originalKey(id);
    const object = await this.#with.storage.stat(key, AbortSignal.timeout(patienceMs));
    const row = await this.#find(id);
    if (row === undefined || !isVisible(row) || object?.sizeBytes === row.sizeBytes) return;
    if (object === undefined) {
      this.result.missing += 1;
      this.#with.onFinding({ what: 'missing', id, key, sizeBytes: row.sizeBytes });
    } else {
      this.result.different += 1;
      this.#with.onFinding({ what: 'different', id, key, sizeBytes: row.sizeBytes, storedBytes: object.sizeBytes });
    }
  }

  /** A row comes before its objects, and no id is used twice: so an id that has objects and no row now will never have one. */
  async #judgeUnknown({ id, objects, sizeBytes, newest }: Folder): Promise<void> {
    if ((await this.#find(id)) !== undefined) return;
    const fate = await this.#settle(id, newest);
    this.result[fate === 'young' ? 'young' : 'unknown'] += 1;
    if (fate === 'removed') this.result.removed += 1;
    this.#with.onFinding({ what: 'unknown', id, objects, sizeBytes, fate });
  }

  async #settle(id: string, newest: Date): Promise<Fate> {
    const { clock, minAgeSeconds, apply, storage } = this.#with;
    if (clock().getTime() - newest.getTime() < minAgeSeconds * 1000) return 'young';
    if (!apply) return 'kept';
    await storage.removeAll(keyPrefix(id), AbortSignal.timeout(patienceMs));
    return 'removed';
  }

  async #find(id: string): Promise<InventoryRow | undefined> {
    const [row] = await this.#with.store.inventory({ from: id, limit: 1 });
    return row?.id === id ? row : undefined;
  }
}

function isVisible({ state }: InventoryRow): boolean {
  return mediaStatuses.some((status) => status === state);
}

/** The asset that a key belongs to; undefined when it is none of ours. */
function idOf(key: string): string | undefined {
  const slash = key.indexOf('/');
  const id = key.slice(0, slash);
  return slash !== -1 && uuidPattern.test(id) ? id : undefined;
}

function add(folder: Folder, { key, sizeBytes, updatedAt }: ListedObject): void {
  folder.objects += 1;
  folder.sizeBytes += sizeBytes;
  if (updatedAt > folder.newest) folder.newest = updatedAt;
  if (key === originalKey(folder.id)) folder.originalBytes = sizeBytes;
}
