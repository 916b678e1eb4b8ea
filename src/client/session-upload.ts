import { type Asset, assetOf } from './assets.ts';
import { type Connection, run } from './connection.ts';
import { MediakeepError } from './errors.ts';
import { CompleteUploadDocument, CreateUploadDocument, DeleteMediaDocument, type MediaKind } from './generated.ts';
import { Notes, type ResumeRecord } from './notes.ts';
import type { ResumeStore } from './resume-store.ts';
import { Patience, retrying } from './retry.ts';
import { isWorthAsking, SessionGone, sendToSession } from './session-transfer.ts';
import { Meter, type Upload } from './upload-options.ts';

/** What a session upload asks of the API, through whatever client of it. */
export interface SessionCalls<TAsset> {
  /** Opens a session. */
  open(upload: Upload): Promise<ResumeRecord>;
  /** Has the server look at what the session has made; idempotent. */
  complete(id: string, signal: AbortSignal | undefined): Promise<TAsset>;
  /** Ends the session and removes what it has made. */
  discard(id: string): Promise<unknown>;
}

/** How often a session that ended before its upload did is replaced by a new one. */
const maxRestarts = 2;

/**
 * Uploads by a session. When the signal aborts: with a store the upload is paused, and goes on when the same file is uploaded with the same
 * store; without one nothing is left on the server. Nor is after a failure for good.
 */
export async function uploadBySession<TAsset>(
  connection: Connection,
  upload: Upload,
  calls: SessionCalls<TAsset>,
): Promise<TAsset> {
  const notes = upload.resume && (await Notes.of(upload.resume, connection, upload.file));
  const { keysInUse } = connection;
  if (notes === undefined || keysInUse.has(notes.key))
    return await uploadWithRestarts({ connection, upload, calls, notes: undefined });
  keysInUse.add(notes.key);
  try {
    return await uploadWithRestarts({ connection, upload, calls, notes });
  } finally {
    keysInUse.delete(notes.key);
  }
}

async function uploadWithRestarts<TAsset>(work: Omit<Work<TAsset>, 'meter' | 'former'>): Promise<TAsset> {
  const meter = new Meter(work.upload.file.size, work.upload.onProgress);
  for (let restarts = 0; ; restarts += 1) {
    try {
      // After a restart, a store that cannot forget would only lead back to what is gone.
      return await sendAndComplete({ ...work, meter, former: restarts === 0 ? await work.notes?.recall() : undefined });
    } catch (error) {
      if (!(error instanceof SessionGone) || restarts >= maxRestarts) throw error;
    }
  }
}

/** Ends a paused upload, if there is one of this file. */
export async function discardSession(connection: Connection, file: Blob, store: ResumeStore): Promise<void> {
  const notes = await Notes.of(store, connection, file);
  const record = await notes.recall();
  await notes.forget();
  if (record !== undefined) await discarded(callsOf(connection), record.id);
}

interface Work<TAsset> {
  readonly connection: Connection;
  readonly upload: Upload;
  readonly calls: SessionCalls<TAsset>;
  readonly meter: Meter;
  readonly notes: Notes | undefined;
  /** Of the upload that goes on; undefined for a new one. */
  readonly former: ResumeRecord | undefined;
}

async function sendAndComplete<TAsset>(work: Work<TAsset>): Promise<TAsset> {
  const { connection, upload, calls, meter, notes, former } = work;
  const { file, signal } = upload;
  const patience = (): Patience => new Patience(upload.retry ?? connection.retry, signal);
  signal?.throwIfAborted();
  // The signal does not end this request: without its answer nobody would know what to discard.
  let record = former ?? (await retrying(patience(), () => calls.open(upload)));
  try {
    await notes?.keep(record);
    await sendToSession({
      send: connection.send,
      session: record,
      file,
      from: former,
      patience: patience(),
      signal,
      onSent: (bytes) => meter.sent(bytes),
      onHeld: async (held) => {
        record = { ...record, ...held };
        await notes?.keep(record);
      },
    });
    return await completed(work, record.id, patience());
  } catch (error) {
    // Its upload may have been completed before the page that began it could note so.
    if (error instanceof SessionGone && former !== undefined) return await completedBefore(work, record.id, error);
    if (former !== undefined && error instanceof MediakeepError && error.code === 'NOT_FOUND') {
      // It was deleted meanwhile, or is another user's.
      await abandon(work, record.id);
      throw new SessionGone(error.status);
    }
    if (!notes?.isKept || !mayGoOn(error, signal)) await abandon(work, record.id);
    throw error;
  }
}

async function completed<TAsset>({ calls, meter, notes, upload }: Work<TAsset>, id: string, patience: Patience): Promise<TAsset> {
  meter.finishing();
  const asset = await retrying(patience, () => calls.complete(id, upload.signal), isWorthAsking);
  await notes?.forget();
  return asset;
}

async function completedBefore<TAsset>(work: Work<TAsset>, id: string, gone: SessionGone): Promise<TAsset> {
  try {
    return await completed(work, id, new Patience({ attempts: 1 }));
  } catch (error) {
    if (mayGoOn(error, work.upload.signal)) throw error;
    await abandon(work, id);
    throw gone;
  }
}

async function abandon<TAsset>({ calls, notes }: Work<TAsset>, id: string): Promise<void> {
  await notes?.forget();
  await discarded(calls, id);
}

/** Whether an upload that a store remembers may be gone on with later. */
function mayGoOn(error: unknown, signal: AbortSignal | undefined): boolean {
  return (
    signal?.aborted === true || isWorthAsking(error) || (error instanceof MediakeepError && error.code === 'UNAUTHENTICATED')
  );
}

async function discarded(calls: Pick<SessionCalls<unknown>, 'discard'>, id: string): Promise<void> {
  try {
    await calls.discard(id);
  } catch (error) {
    // Gone already; or out of reach, and then the server removes it by itself when the session has expired.
    if (!(error instanceof MediakeepError)) throw error;
  }
}

/** The calls of the SDK itself. */
export function callsOf(connection: Connection): SessionCalls<Asset> {
  return {
    open: async ({ file, kind, filename, title, altText, tags }) => {
      const input = { kind, filename, mimeType: declaredType(file.type, kind), size: file.size, title, altText, tags };
      const { id, url, headers, chunkSize, expiresAt } = (await run(connection, CreateUploadDocument, { input })).createUpload;
      return {
        id,
        url,
        headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
        chunkBytes: chunkSize,
        expiresAt: Date.parse(expiresAt),
        heldBytes: 0,
        crc32c: 0,
      };
    },
    complete: async (id, signal) => assetOf((await run(connection, CompleteUploadDocument, { id }, { signal })).completeUpload),
    discard: (id) => run({ ...connection, retry: { attempts: 2 } }, DeleteMediaDocument, { id }),
  };
}

/** Types that browsers name in their own way. */
const officialTypes: Readonly<Record<string, string>> = {
  'video/x-matroska': 'video/matroska',
  'video/x-m4v': 'video/mp4',
  'image/jpg': 'image/jpeg',
  'image/apng': 'image/png',
};

/**
 * What is declared of a file, so that a type that is not accepted is refused before it is sent. Nothing where the caller has said that the
 * file is of another kind than its type: the server finds out what it really is.
 */
function declaredType(type: string, kind: MediaKind): string {
  return type.startsWith(`${kind.toLowerCase()}/`) ? (officialTypes[type] ?? type) : 'application/octet-stream';
}
