import { ByteLog, UPLOAD_QUANTUM_BYTES } from './byte-log.ts';
import type { Conditions } from './conditions.ts';
import type { SentResource } from './object-settings.ts';
import type { StoredObject } from './store.ts';

/** What a session was started with; nothing of it can be changed afterwards. */
export type SessionStart = {
  uploadId: string;
  bucket: string;
  name: string;
  resource: SentResource;
  conditions: Conditions;
  origin: string | undefined;
  /** X-Upload-Content-Length: the only total the session takes. */
  pinnedBytes: number | undefined;
};

/** `dead`: refused for good (wrong checksum, failed precondition, malformed range) or expired by a script. */
export type SessionState = 'live' | 'finished' | 'cancelled' | 'dead';

/** One resumable upload. Its bytes count only up to the last 256 KiB step, until the object is whole. */
export class UploadSession {
  readonly start: SessionStart;
  readonly bytes: ByteLog;
  state: SessionState = 'live';
  /** The total a Content-Range has named; later ones must agree. */
  announcedBytes: number | undefined;
  object: StoredObject | undefined;

  constructor(start: SessionStart, keepBytes: boolean) {
    this.start = start;
    this.bytes = new ByteLog(keepBytes);
  }

  get heldBytes(): number {
    return this.bytes.sizeBytes;
  }

  /** Persists bytes that begin at `offset`; what is held already is skipped, as on Google's servers. */
  persist(offset: number, piece: Buffer): void {
    if (this.state !== 'live') return;
    const held = Math.min(Math.max(this.heldBytes - offset, 0), piece.length);
    if (offset + held === this.heldBytes) this.bytes.append(piece.subarray(held));
  }
}

/**
 * The bytes of one request on their way into a session. They are handed over at each 256 KiB boundary of the object,
 * so a connection that breaks leaves what Google would have kept; `finish` hands over the rest.
 */
export class Intake {
  readonly #session: UploadSession;
  readonly #source: AsyncIterator<Buffer>;
  readonly #endLimit: number;
  #leftover: Buffer | undefined;
  #waiting: Buffer[] = [];
  #waitingFrom: number;
  #end: number;
  #surplusBytes = 0;

  /** `source` must not destroy the request when it is left early: the answer is still to be sent. */
  constructor(session: UploadSession, source: AsyncIterator<Buffer>, range: { start: number; end: number | undefined }) {
    this.#session = session;
    this.#source = source;
    this.#endLimit = range.end ?? Number.POSITIVE_INFINITY;
    this.#waitingFrom = range.start;
    this.#end = range.start;
  }

  /** Offset in the object just past the bytes received. */
  get end(): number {
    return this.#end;
  }

  /** True when the body was longer than its Content-Range. */
  get overran(): boolean {
    return this.#surplusBytes > 0;
  }

  /** Receives up to the object offset `limit`, or the end of the body. Rejects when the connection breaks. */
  async receive(limit: number): Promise<void> {
    while (this.#end < limit) {
      const piece = await this.#next();
      if (piece === undefined) return;
      const wanted = Math.min(piece.length, limit - this.#end);
      if (wanted < piece.length) this.#leftover = piece.subarray(wanted);
      this.#take(piece.subarray(0, wanted));
    }
  }

  /** Hands over the last bytes, short of a boundary. Only for a request that completes the object. */
  finish(): void {
    this.#handOver(this.#end);
  }

  async #next(): Promise<Buffer | undefined> {
    const leftover = this.#leftover;
    this.#leftover = undefined;
    if (leftover !== undefined) return leftover;
    const { value, done } = await this.#source.next();
    return done === true ? undefined : value;
  }

  #take(piece: Buffer): void {
    const declared = Math.min(piece.length, this.#endLimit - this.#end);
    this.#surplusBytes += piece.length - declared;
    if (declared === 0) return;
    this.#waiting.push(piece.subarray(0, declared));
    this.#end += declared;
    this.#handOver(Math.floor(this.#end / UPLOAD_QUANTUM_BYTES) * UPLOAD_QUANTUM_BYTES);
  }

  #handOver(until: number): void {
    for (let first = this.#waiting[0]; first !== undefined && this.#waitingFrom < until; first = this.#waiting[0]) {
      const length = Math.min(first.length, until - this.#waitingFrom);
      this.#session.persist(this.#waitingFrom, first.subarray(0, length));
      this.#waitingFrom += length;
      if (length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(length);
    }
  }
}
