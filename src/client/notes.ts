import type { Connection } from './connection.ts';
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

/** What a store knows of the upload of one file by one user to one server. */
export class Notes {
  readonly #store: ResumeStore;
  readonly key: string;
  /** Whether the upload can be gone on with later. A store that fails only makes this false: the upload goes on. */
  isKept = false;

  private constructor(store: ResumeStore, key: string) {
    this.#store = store;
    this.key = key;
  }

  /** Reads the beginning of the file, to know it again. */
  static async of(store: ResumeStore, connection: Connection, file: Blob): Promise<Notes> {
    const scope = await connection.scope();
    const modifiedAt = 'lastModified' in file ? file.lastModified : '';
    const beginning = crc32c(new Uint8Array(await file.slice(0, fingerprintBytes).arrayBuffer()));
    const parts = [connection.endpoint, nameOf(file), file.size, modifiedAt, file.type, beginning.toString(16)];
    // Of the user only a checksum: a store is no place for names.
    if (scope !== undefined) parts.push(crc32c(new TextEncoder().encode(scope)).toString(16));
    return new Notes(store, `mediakeep ${parts.join(' ')}`);
  }

  async keep(record: ResumeRecord): Promise<void> {
    const kept = await attempt(async () => {
      await this.#store.set(this.key, JSON.stringify(record));
      return true;
    });
    // Of a store that fails later, what it had before still leads on.
    this.isKept ||= kept === true;
  }

  async forget(): Promise<void> {
    this.isKept = false;
    await attempt(() => this.#store.delete(this.key));
  }

  /** What was kept; undefined when that is nothing, has expired, or is not ours. */
  async recall(): Promise<ResumeRecord | undefined> {
    const record = recordIn(await attempt(() => this.#store.get(this.key)));
    const former = record && record.expiresAt > Date.now() ? record : undefined;
    this.isKept = former !== undefined;
    return former;
  }
}

/** What a store answers; undefined when it fails: full, forbidden, gone. */
async function attempt<T>(access: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await access();
  } catch {
    return undefined;
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
