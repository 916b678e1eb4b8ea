import type { StoredObject } from '../media/ports.ts';
import type { Chunk, ChunkReader } from './chunks.ts';
import { BucketFault, isTransientStatus, UnexpectedAnswer } from './gcs-failure.ts';
import type { Answer, HttpClient } from './http.ts';
import { forSending, type Limits, type Patience, Retrier, withRetries } from './retry.ts';

/** Chunks that are not the last must be a multiple of this (Google: "Perform resumable uploads"). */
export const chunkUnitBytes = 256 * 1024;

/** A resumable upload session, from the side of whoever sends. */
export interface SessionUpload {
  readonly http: HttpClient;
  /** A bearer secret: never logged. */
  readonly sessionUri: string;
  readonly chunks: ChunkReader;
  /** What was read from the source before the session was started. */
  readonly first: Chunk;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** How a session ended: the bucket's answer to the last request, and what we counted. */
export interface SessionResult extends StoredObject {
  readonly answer: Answer;
}

/** The session is unknown, expired or cancelled: what it held is lost. */
export class SessionGone extends UnexpectedAnswer {
  /** Whether nothing has been confirmed but what the caller still has, so that another session can take its place. */
  readonly isAtStart: boolean;

  constructor(answer: Answer, isAtStart: boolean) {
    super('The upload session is gone', answer);
    this.isAtStart = isAtStart;
  }
}

/**
 * Sends a source through a resumable session, chunk by chunk, each kept until the bucket has confirmed it. After a broken connection, a 5xx or a
 * stall it asks what has arrived (`bytes * /*`), drops that, and sends the rest. The last request carries the CRC32C of the whole, which the
 * bucket checks before the object becomes visible. Resolves with any final answer (200, 201, 412 or another refusal is for the caller to judge).
 */
export async function sendThroughSession(upload: SessionUpload): Promise<SessionResult> {
  let chunk = upload.first;
  let offset = 0;
  for (;;) {
    const answer = await sendChunk(upload, { chunk, offset });
    offset += chunk.bytes.length;
    if (answer !== undefined) return { answer, sizeBytes: offset, crc32c: chunk.crc32c };
    chunk = await upload.chunks.next(upload.signal);
  }
}

/**
 * Ends a session: when this resolves, the bucket has said that nothing (more) can come out of it, because it is cancelled (499), finished or unknown. True when it
 * was cancelled, and so has made no object. Rejects with a BucketFault when the bucket does not say so within the patience.
 */
export async function endSession(
  http: HttpClient,
  sessionUri: string,
  { patience, signal }: { patience: Patience; signal: AbortSignal },
): Promise<boolean> {
  const cancel = async (limits: Limits): Promise<boolean> => {
    const answer = await http.send({ method: 'DELETE', url: sessionUri, headers: {}, ...limits });
    const isOver = [404, 410, 499].includes(answer.status) || (answer.status >= 200 && answer.status < 300);
    if (!isOver) throw new UnexpectedAnswer('Cancelling an upload', answer);
    return answer.status === 499;
  };
  return await withRetries(cancel, patience, signal);
}

/** {@link endSession} for an upload that is not wanted any more: a failure leaves open whether an object can come of it; an abandoned session dies within a week. */
export async function cancelSession(...args: Parameters<typeof endSession>): Promise<boolean> {
  return await endSession(...args).catch(() => false);
}

interface Position {
  readonly chunk: Chunk;
  /** Where the chunk begins in the object. */
  readonly offset: number;
}

/** Sends one chunk until all of it is confirmed. Returns the final answer, or undefined when the session goes on. */
async function sendChunk(upload: SessionUpload, position: Position): Promise<Answer | undefined> {
  const retrier = new Retrier(upload.patience, upload.signal);
  const { chunk, offset } = position;
  let confirmed = 0;
  let isUncertain = false;
  for (;;) {
    try {
      const answer = isUncertain ? await askStatus(upload, retrier.limits) : await sendRest(upload, position, confirmed);
      if (answer.status !== 308) return judge(answer, offset === 0);
      const held = heldBytes(answer) - offset;
      if (held < confirmed || held > chunk.bytes.length) throw lostBytes(held, confirmed);
      if (held > confirmed) retrier.progressed();
      // A 308 to bytes that went nowhere counts as a failed try: else a session that never moves would be fed for ever.
      else if (!isUncertain) throw new BucketFault('The upload session takes nothing', { isTransient: true });
      confirmed = held;
      isUncertain = false;
      if (!chunk.isLast && confirmed === chunk.bytes.length) return undefined;
    } catch (error) {
      await retrier.again(error);
      isUncertain = true;
    }
  }
}

function sendRest(upload: SessionUpload, { chunk, offset }: Position, confirmed: number): Promise<Answer> {
  const rest = chunk.bytes.subarray(confirmed);
  const end = offset + chunk.bytes.length;
  const total = chunk.isLast ? String(end) : '*';
  const range = rest.length === 0 ? '*' : `${offset + confirmed}-${end - 1}`;
  return upload.http.send({
    method: 'PUT',
    url: upload.sessionUri,
    headers: {
      'Content-Range': `bytes ${range}/${total}`,
      ...(chunk.isLast && { 'X-Goog-Hash': `crc32c=${checksumText(chunk.crc32c)}` }),
    },
    body: [rest],
    ...forSending(rest.length, { limitMs: upload.patience.callMs, signal: upload.signal }),
  });
}

/** Naming the total would finish a session that holds everything, without our checksum: so it is asked with an unknown one. */
function askStatus(upload: SessionUpload, limits: Limits): Promise<Answer> {
  return upload.http.send({ method: 'PUT', url: upload.sessionUri, headers: { 'Content-Range': 'bytes */*' }, ...limits });
}

/** A final answer, or a failure. */
function judge(answer: Answer, isAtStart: boolean): Answer {
  if ([404, 410, 499].includes(answer.status)) throw new SessionGone(answer, isAtStart);
  if (isTransientStatus(answer.status)) throw new UnexpectedAnswer('Uploading', answer);
  return answer;
}

/** How many bytes a session holds: `Range: bytes=0-K` says K+1, no Range says none. */
function heldBytes(answer: Answer): number {
  const match = /^bytes=0-(\d+)$/.exec(answer.headers.range ?? '');
  return match === null ? 0 : Number(match[1]) + 1;
}

function lostBytes(held: number, confirmed: number): BucketFault {
  return new BucketFault(`The session holds ${held} bytes of this chunk, but ${confirmed} were confirmed`, {
    isTransient: false,
  });
}

/** CRC32C as Google writes it: base64 of four bytes, big-endian. */
export function checksumText(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum >>> 0);
  return bytes.toString('base64');
}

/** The inverse of {@link checksumText}. */
export function checksumOf(text: string): number {
  return Buffer.from(text, 'base64').readUInt32BE();
}
