import { crc32c } from './crc32c.ts';
import { nameOf } from './form.ts';
import type { ResumeStore } from './resume-store.ts';
import type { Held, Session } from './session-transfer.ts';

/** A session upload that is not complete, as a store keeps it. */
export interface ResumeRecord extends Session, Held {
  /** Of the asset to come. */
  readonly id: string;
  /** Milliseconds since 1970, after which the session takes nothing. */
  readonly expiresAt: number;
}

/** How much of a file's beginning tells it from others of the same name, size, type and date. */
const fingerprintBytes = 65_536;

/** What a store knows of the upload of one file to one server. */
export class Notes {
  readonly #store: ResumeStore;
  readonly key: string;

  private constructor(store: ResumeStore, key: string) {
    this.#store = store;
    this.key = key;
  }

  /** Reads the beginning of the file, to know it again. */
  static async of(store: ResumeStore, endpoint: string, file: Blob): Promise<Notes> {
    const modifiedAt = 'lastModified' in file ? file.lastModified : '';
    const beginning = crc32c(new Uint8Array(await file.slice(0, fingerprintBytes).arrayBuffer()));
    return new Notes(
      store,
      `mediakeep ${endpoint} ${nameOf(file)} ${file.size} ${modifiedAt} ${file.type} ${beginning.toString(16)}`,
    );
  }

  async keep(record: ResumeRecord): Promise<void> {
    await this.#store.set(this.key, JSON.stringify(record));
  }

  async forget(): Promise<void> {
    await this.#store.delete(this.key);
  }

  /** What was kept; undefined when that is nothing, has expired, or is not ours. */
  async recall(): Promise<ResumeRecord | undefined> {
    const record = recordIn(await this.#store.get(this.key));
    return record && record.expiresAt > Date.now() ? record : undefined;
  }
}

function recordIn(text: string | null | undefined): ResumeRecord | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const record = JSON.parse(text) as Partial<ResumeRecord> | null;
    return typeof record?.id === 'string' && typeof record.url === 'string' && record.chunkBytes
      ? (record as ResumeRecord)
      : undefined;
  } catch {
    // Somebody else's text: as if nothing were there.
    return undefined;
  }
}
