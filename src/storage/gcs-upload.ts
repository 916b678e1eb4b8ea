import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { PutOptions, StoredObject } from '../media/ports.ts';
import { type Chunk, ChunkReader } from './chunks.ts';
import { type BucketApi, insertedBy, type ObjectSettings, type ObjectVersion, type SessionPins } from './gcs-api.ts';
import { BucketFault } from './gcs-failure.ts';
import type { HttpClient } from './http.ts';
import { forSending, type Limits, orAbort, type Patience, withRetries } from './retry.ts';
import { cancelSession, checksumText, SessionGone, sendThroughSession } from './session.ts';

/** What uploads need. */
export interface UploadTools {
  readonly api: BucketApi;
  readonly http: HttpClient;
  readonly chunkBytes: number;
  readonly patience: Patience;
  /** Told of work that outlives an upload: a session that is cancelled as soon as it is known. */
  readonly tidyLater: (work: Promise<unknown>) => void;
}

/** The name in an object's own metadata of the upload that made it: so a retry knows its own work from somebody else's. */
const uploadIdName = 'mediakeep-upload';

/** How many sessions may die in an upload's first chunk. */
const sessionsAtMost = 3;

/** One upload into a bucket: all or nothing, create-only, verified by its CRC32C before the object is visible. */
export class BucketUpload {
  readonly #tools: UploadTools;
  readonly #settings: ObjectSettings;
  readonly #signal: AbortSignal;
  readonly #uploadId = randomUUID();

  constructor(tools: UploadTools, key: string, options: PutOptions) {
    this.#tools = tools;
    this.#signal = options.signal;
    const metadata = { ...options.metadata, [uploadIdName]: this.#uploadId };
    this.#settings = settingsOf(key, { ...options, metadata });
  }

  /** Rejects with a BucketFault, the source's failure or the signal's reason, after removing what was made. */
  async run(source: Readable): Promise<StoredObject> {
    const chunks = new ChunkReader(source, this.#tools.chunkBytes);
    const first = await chunks.next(this.#signal);
    const stored = first.isLast ? await this.#sendWhole(first) : await this.#sendInChunks(first, chunks);
    return { sizeBytes: stored.sizeBytes, crc32c: stored.crc32c };
  }

  /** What fits into a chunk takes one round trip: settings, checksum and bytes in one request, which is safe to repeat. */
  async #sendWhole({ bytes, crc32c }: Chunk): Promise<StoredObject> {
    this.#signal.throwIfAborted();
    const counted = { sizeBytes: bytes.length, crc32c };
    const settings = { ...this.#settings, crc32c: checksumText(crc32c) };
    const { api, patience } = this.#tools;
    // A request that is cut off may create the object all the same, after we have looked: so an abort gives it a moment to end.
    const { signal, forget } = later(this.#signal, patience.callMs);
    const insert = async ({ limitMs }: Limits): Promise<ObjectVersion | undefined> => {
      const inserted = await api.insert(settings, bytes, forSending(bytes.length, { limitMs, signal }));
      this.#signal.throwIfAborted();
      return inserted;
    };
    try {
      return await this.#confirm(counted, await withRetries(insert, patience, this.#signal));
    } catch (error) {
      await this.#undo();
      throw error;
    } finally {
      forget();
    }
  }

  async #sendInChunks(first: Chunk, chunks: ChunkReader): Promise<StoredObject> {
    for (let sessions = 1; ; sessions += 1) {
      const sessionUri = await startSession(this.#tools, this.#settings, { signal: this.#signal });
      try {
        const { http, patience } = this.#tools;
        const result = await sendThroughSession({ http, sessionUri, chunks, first, patience, signal: this.#signal });
        return await this.#confirm(result, insertedBy(result.answer));
      } catch (error) {
        if (!(await cancelSession(this.#tools.http, sessionUri, tidying(this.#tools)))) await this.#undo();
        const isLost = error instanceof SessionGone && error.isAtStart && sessions < sessionsAtMost;
        if (!isLost || this.#signal.aborted) throw error;
      }
    }
  }

  /** Holds what the bucket says against what we counted. A name that is taken (`undefined`) may be taken by us: by a request whose answer was lost. */
  async #confirm(counted: StoredObject, inserted: ObjectVersion | undefined): Promise<StoredObject> {
    const { patience } = this.#tools;
    const version = inserted ?? (await withRetries((limits) => this.#findOwn(limits), patience, this.#signal));
    if (version === undefined) throw nameIsTaken(this.#settings);
    const { sizeBytes, crc32c } = version;
    if (sizeBytes !== counted.sizeBytes || crc32c !== counted.crc32c)
      throw new BucketFault(`The bucket holds other bytes than were sent: ${JSON.stringify({ sizeBytes, crc32c, counted })}`, {
        isTransient: false,
      });
    return counted;
  }

  /** Removes the object if this upload made it: of a request whose answer was lost nobody knows. */
  async #undo(): Promise<void> {
    const { patience, signal } = tidying(this.#tools);
    const remove = async (): Promise<void> => {
      const own = await withRetries((limits) => this.#findOwn(limits), patience, signal);
      if (own !== undefined) await withRetries((limits) => this.#tools.api.remove(own, limits), patience, signal);
    };
    // The first failure is the one to tell; what stays goes with the asset.
    await remove().catch(() => undefined);
  }

  async #findOwn(limits: Limits): Promise<ObjectVersion | undefined> {
    const version = await this.#tools.api.find(this.#settings.name, limits);
    return version?.metadata[uploadIdName] === this.#uploadId ? version : undefined;
  }
}

/** What is kept beside the bytes of an original or a rendition. */
export function settingsOf(
  key: string,
  { contentType, filename, metadata }: Pick<PutOptions, 'contentType' | 'filename' | 'metadata'>,
): ObjectSettings {
  return {
    name: key,
    contentType,
    // Whoever follows a link asks again each time: a copy must not outlive the link. No proxy may recompress originals.
    cacheControl: 'private, no-cache, no-transform',
    contentDisposition: `inline; filename*=UTF-8''${encodeStrictly(filename.toWellFormed())}`,
    metadata,
  };
}

/**
 * Starts a session and gives its URI. A request that is cut off may have started one all the same: so an abort lets it end, and then ends the session.
 * Rejects when the name is taken, with a BucketFault, or with the signal's reason.
 */
export async function startSession(
  tools: Omit<UploadTools, 'chunkBytes'>,
  settings: ObjectSettings,
  { pins, signal }: { pins?: SessionPins; signal: AbortSignal },
): Promise<string> {
  const { api, http, patience, tidyLater } = tools;
  signal.throwIfAborted();
  const { signal: never } = new AbortController();
  const start = ({ limitMs }: Limits): Promise<string | undefined> =>
    api.startSession(settings, pins, { limitMs, signal: never });
  const starting = withRetries(start, patience, signal);
  const sessionUri = await orAbort(starting, signal).catch((error: unknown) => {
    const cancel = async (): Promise<void> => {
      const late = await starting;
      if (late !== undefined) await cancelSession(http, late, tidying(tools));
    };
    tidyLater(cancel().catch(() => undefined));
    throw error;
  });
  if (sessionUri === undefined) throw nameIsTaken(settings);
  return sessionUri;
}

/** For work that nobody waits for gladly. */
function tidying(tools: Pick<UploadTools, 'patience'>): { patience: Patience; signal: AbortSignal } {
  const { callMs } = tools.patience;
  return { patience: { ...tools.patience, deadlineMs: callMs }, signal: AbortSignal.timeout(callMs) };
}

function nameIsTaken({ name }: ObjectSettings): Error {
  return new Error(`There is an object already: ${name}`);
}

/** A signal that aborts `delayMs` after another, for the same reason, until it is told to forget that. */
function later(signal: AbortSignal, delayMs: number): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), delayMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const forget = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { signal: controller.signal, forget };
}

/** RFC 8187: what a header's extended parameter takes as it is. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}
