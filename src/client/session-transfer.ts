import { jsonOf, refusalOf } from './answer.ts';
import { crc32c, toBase64 } from './crc32c.ts';
import { MediakeepError } from './errors.ts';
import type { Reply, Send } from './exchange.ts';
import { isPassing, type Patience } from './retry.ts';

/** An upload session in the protocol of Google Cloud Storage's resumable uploads. */
export interface Session {
  /** A bearer secret: whoever has it may write. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A multiple of 256 KiB. */
  readonly chunkBytes: number;
}

/** How much of a file the storage holds, and the CRC32C of those bytes. */
export interface Held {
  readonly heldBytes: number;
  readonly crc32c: number;
}

/** What a transfer needs. */
export interface Transfer {
  readonly send: Send;
  readonly session: Session;
  readonly file: Blob;
  /** What was held when the transfer was interrupted; undefined for a session that has just been opened. */
  readonly from: Held | undefined;
  readonly patience: Patience;
  readonly signal: AbortSignal | undefined;
  onSent(bytes: number): void;
  /** Called when the storage has confirmed more. */
  onHeld(held: Held): unknown;
}

/** The session ended, and with it the bytes it held. */
export class SessionGone extends MediakeepError {
  constructor(status: number) {
    super('The upload ended before it was complete. Please send it again.', { code: 'UPLOAD_INCOMPLETE', status });
  }
}

/**
 * Sends a file chunk by chunk, and resolves when the storage holds it whole, with the size and the CRC32C of what was sent. What breaks is tried
 * again from where the storage says it stands, so that at most one chunk is sent twice. Rejects with SessionGone, CORRUPTED, what the storage
 * refuses when patience is at its end, or the signal's reason.
 */
export async function sendToSession(transfer: Transfer): Promise<void> {
  const { file, patience } = transfer;
  const checksum = new RunningChecksum(file, transfer.from);
  let { heldBytes } = checksum;
  let isUnsure = transfer.from !== undefined;
  for (;;) {
    try {
      const chunk =
        isUnsure || file.size === 0 ? undefined : await read(file, heldBytes, heldBytes + transfer.session.chunkBytes);
      const reply = await put(transfer, heldBytes, chunk);
      const nowHeld = reply.status === 308 ? heldIn(reply) : file.size;
      await checksum.advance(nowHeld, chunk && { start: heldBytes, bytes: chunk });
      if (reply.status !== 308) return compare(reply, checksum);
      if (!isUnsure && nowHeld <= heldBytes)
        throw new MediakeepError('The storage takes nothing.', { code: 'STORAGE_UNAVAILABLE' });
      if (nowHeld > heldBytes) patience.renew();
      isUnsure = false;
      heldBytes = nowHeld;
      await transfer.onHeld({ heldBytes, crc32c: checksum.crc32c });
      transfer.onSent(heldBytes);
    } catch (error) {
      await patience.afterFailure(error, isWorthAsking);
      isUnsure = true;
    }
  }
}

/** One request: a chunk, or, without one, the question how much is held. */
async function put(transfer: Transfer, start: number, chunk: Uint8Array<ArrayBuffer> | undefined): Promise<Reply> {
  const { session, file, signal } = transfer;
  const range = chunk === undefined ? '*' : `${start}-${start + chunk.length - 1}`;
  const reply = await transfer.send({
    method: 'PUT',
    url: session.url,
    headers: { ...session.headers, 'content-range': `bytes ${range}/${file.size}` },
    body: chunk ?? '',
    signal,
    ...(chunk && { onSent: (bytes) => transfer.onSent(start + bytes) }),
  });
  // 499 is Google's answer for a session that was cancelled.
  if ([404, 410, 499].includes(reply.status)) throw new SessionGone(reply.status);
  if (reply.status === 308 || reply.status === 200 || reply.status === 201) return reply;
  throw refusalOf(reply);
}

/** `Range: bytes=0-K`; nothing is held when there is none. */
function heldIn(reply: Reply): number {
  const [, last] = /^bytes=0-(\d+)$/.exec(reply.header('range') ?? '') ?? [];
  return last === undefined ? 0 : Number(last) + 1;
}

/**
 * For what can be repeated as it is. Google's list of what to try again: 408, 429 and all of 5xx; proxies have numbers of their own (524) for a server that thinks
 * long. GraphQL tells of the server's own failure with 200.
 */
export function isWorthAsking(error: unknown): boolean {
  if (isPassing(error)) return true;
  if (!(error instanceof MediakeepError)) return false;
  const { status, code } = error;
  return status === 408 || status >= 500 || (status < 400 && code === 'INTERNAL_SERVER_ERROR');
}

/** Holds the object that the storage has made against what was sent. */
function compare(reply: Reply, sent: RunningChecksum): void {
  const object = jsonOf(reply) as { readonly size?: string; readonly crc32c?: string } | undefined;
  const isWhole = object?.size === undefined || Number(object.size) === sent.heldBytes;
  if (isWhole && (object?.crc32c === undefined || object.crc32c === toBase64(sent.crc32c))) return;
  throw new MediakeepError('The file arrived changed, and was not kept. Please send it again.', { code: 'CORRUPTED' });
}

async function read(file: Blob, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  } catch (cause) {
    throw new MediakeepError('The file can no longer be read. It may have been moved or changed.', { code: 'UNREADABLE', cause });
  }
}

/** How much is read at once of what was sent before, to know its checksum. */
const rereadBytes = 4 * 1024 * 1024;

/** The checksum of as much of a file as the storage holds. */
class RunningChecksum implements Held {
  readonly #file: Blob;
  heldBytes: number;
  crc32c: number;

  constructor(file: Blob, from: Held | undefined) {
    this.#file = file;
    this.heldBytes = from?.heldBytes ?? 0;
    this.crc32c = from?.crc32c ?? 0;
  }

  /** From now on of the first `heldBytes`; they are read, unless they are in `chunk`. */
  async advance(heldBytes: number, chunk: { start: number; bytes: Uint8Array<ArrayBuffer> } | undefined): Promise<void> {
    if (heldBytes < this.heldBytes) {
      this.heldBytes = 0;
      this.crc32c = 0;
    }
    while (this.heldBytes < heldBytes) {
      const bytes =
        chunk?.start === this.heldBytes
          ? chunk.bytes.subarray(0, heldBytes - chunk.start)
          : await read(this.#file, this.heldBytes, Math.min(this.heldBytes + rereadBytes, heldBytes));
      if (bytes.length === 0) throw new MediakeepError('The file has become shorter.', { code: 'UNREADABLE' });
      this.crc32c = crc32c(bytes, this.crc32c);
      this.heldBytes += bytes.length;
    }
  }
}
