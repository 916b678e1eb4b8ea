import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { MediakeepError } from '../errors.ts';
import type { IncomingSession, Standing } from '../media/incoming-session.ts';
import type { MediaLibrary } from '../media/library.ts';
import type { StoredObject } from '../media/ports.ts';
import { type PutRange, readPutRange } from './content-range.ts';
import { type Problem, sendProblem } from './problem.ts';

/**
 * `PUT` and `DELETE /uploads/{id}`: where the bytes of direct uploads come in when there is no bucket. It speaks the protocol of Google Cloud Storage's
 * resumable sessions, so that one client serves both. No sign-in: whoever holds the link may send.
 */
export function uploadsDoor({ library }: { library: MediaLibrary }): FastifyPluginAsync {
  return async (scope) => {
    // The body is read by the session itself, whatever it says it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    scope.route({
      method: ['PUT', 'DELETE'],
      url: '/uploads/:id',
      // A video is hundreds of requests, and the link is a permission already.
      config: { unlimited: true },
      handler: async (request, reply) => {
        try {
          const session = await findSession(library, request);
          if (request.method === 'DELETE') return await cancel(session, reply);
          return await new Put(session, request, reply).answer();
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return sendProblem(error.problem(request.id), reply);
        }
      },
    });
  };
}

/** What the protocol answers beside the codes of the contract. */
class Refusal extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }

  problem(requestId: string): Problem {
    return { type: 'about:blank', title: this.title, status: this.status, detail: this.message, requestId };
  }
}

async function findSession(library: MediaLibrary, { params, query }: FastifyRequest): Promise<IncomingSession> {
  const { id } = params as { id: string };
  const { expires, signature } = query as Record<string, unknown>;
  const session = await library.openSession(id, {
    ...(typeof expires === 'string' && { expires }),
    ...(typeof signature === 'string' && { signature }),
  });
  if (session === undefined) throw new Refusal(403, 'Forbidden', 'This upload link is not a valid one.');
  if (session === 'OVER') throw gone();
  return session;
}

async function cancel(session: IncomingSession, reply: FastifyReply): Promise<FastifyReply> {
  if (!(await session.cancel())) throw new Refusal(404, 'Not Found', 'This upload is complete and can no longer be cancelled.');
  // What Google Cloud Storage answers; a status of nobody's, for a request that its client has taken back.
  return reply.code(499).send();
}

/** One request with bytes, or with the question how many there are. */
class Put {
  readonly #session: IncomingSession;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #lengthBytes: number | undefined;

  constructor(session: IncomingSession, request: FastifyRequest, reply: FastifyReply) {
    this.#session = session;
    this.#request = request;
    this.#reply = reply;
    const length = request.headers['content-length'];
    this.#lengthBytes = length === undefined ? undefined : Number(length);
  }

  async answer(): Promise<FastifyReply> {
    const range = readPutRange(this.#request.headers['content-range']);
    if (range === undefined) throw misfit('The Content-Range cannot be understood.');
    const standing = await this.#standing();
    // A session that has made its object answers everything with it: the answer to the last request may have been lost.
    if ('object' in standing) return this.#whole(standing.object);
    this.#assertTotal(range.total);
    if (range.what === 'bytes') return await this.#receive(range, standing.heldBytes);
    if ((this.#lengthBytes ?? 0) > 0) throw misfit('A question with `bytes */` must have no body.');
    return standing.heldBytes === this.#session.sizeBytes ? await this.#finish() : this.#progress(standing.heldBytes);
  }

  async #receive(range: PutRange & { what: 'bytes' }, heldBytes: number): Promise<FastifyReply> {
    const { sizeBytes } = this.#session;
    const end = range.end ?? (this.#lengthBytes === undefined ? undefined : range.start + this.#lengthBytes);
    this.#assertFits(range, end);
    if (range.start > heldBytes) throw gap(range.start, heldBytes);
    const nowHeld = await this.#take(range.start, end ?? sizeBytes);
    if (nowHeld === sizeBytes) return await this.#finish();
    if (end === undefined || end === sizeBytes)
      throw misfit(`The file ends after ${nowHeld} of the ${sizeBytes} bytes announced.`);
    return this.#progress(nowHeld);
  }

  #assertTotal(total: number | undefined): void {
    const { sizeBytes } = this.#session;
    if (total !== undefined && total !== sizeBytes) throw misfit(`The file was announced with ${sizeBytes} bytes, not ${total}.`);
  }

  #assertFits({ start, end: named, total }: PutRange & { what: 'bytes' }, end: number | undefined): void {
    const { sizeBytes } = this.#session;
    if (named !== undefined && this.#lengthBytes !== undefined && this.#lengthBytes !== named - start) {
      throw misfit(`The Content-Range names ${named - start} bytes, but the Content-Length is ${this.#lengthBytes}.`);
    }
    if (end === undefined) return;
    if (end > sizeBytes) throw misfit(`The file was announced with ${sizeBytes} bytes; these end at ${end}.`);
    const isWhole = this.#request.headers['content-range'] === undefined;
    if (end < sizeBytes && (isWhole || end === total)) {
      throw misfit(`The file was announced with ${sizeBytes} bytes; these end at ${end}.`);
    }
    if (end < sizeBytes && (end - start) % quantumBytes !== 0) {
      throw misfit(`All chunks but the last must be multiples of ${quantumBytes} bytes; this one has ${end - start}.`);
    }
  }

  async #take(offset: number, limitBytes: number): Promise<number> {
    const { raw } = this.#request;
    try {
      return await this.#session.receive(raw, { offset, limitBytes });
    } catch (error) {
      if (error instanceof RangeError) throw misfit('The body has other bytes than its Content-Range says.');
      throw inWords(raw.destroyed && !raw.complete ? lost(error) : error);
    }
  }

  async #finish(): Promise<FastifyReply> {
    const checksum = readChecksum(this.#request.headers['x-goog-hash']);
    try {
      return this.#whole(await this.#session.finish(checksum));
    } catch (error) {
      if (!(error instanceof MediakeepError) || error.code !== 'INVALID_MEDIA') throw inWords(error);
      throw misfit('The bytes are not those of the CRC32C in X-Goog-Hash. The upload has ended; begin it anew.');
    }
  }

  async #standing(): Promise<Standing> {
    try {
      return await this.#session.standing();
    } catch (error) {
      throw inWords(error);
    }
  }

  /** 308 is how the protocol says that there is more to come; no Range when nothing is held. */
  #progress(heldBytes: number): FastifyReply {
    if (heldBytes > 0) this.#reply.header('range', `bytes=0-${heldBytes - 1}`);
    return this.#reply.code(308).header('cache-control', 'no-store').send();
  }

  #whole({ sizeBytes, crc32c }: StoredObject): FastifyReply {
    const { name, contentType } = this.#session;
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32c);
    // As the bucket writes it: the size as text, the checksum as base64 of its big-endian bytes.
    const body = { name, size: String(sizeBytes), crc32c: checksum.toString('base64'), contentType };
    return this.#reply
      .code(200)
      .header('cache-control', 'no-store')
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(body));
  }
}

/** Chunks come in steps of so many bytes (Cloud Storage, "Resumable uploads"): 256 KiB. */
const quantumBytes = 262_144;

/** `X-Goog-Hash: crc32c=<base64>`, perhaps beside an md5, which is not looked at. */
function readChecksum(header: string | string[] | undefined): number | undefined {
  const text = /(?:^|,)\s*crc32c=([A-Za-z0-9+/]{6}==)\s*(?:,|$)/.exec(String(header ?? ''))?.[1];
  if (text === undefined && /crc32c/.test(String(header ?? ''))) throw misfit('The CRC32C in X-Goog-Hash cannot be understood.');
  return text === undefined ? undefined : Buffer.from(text, 'base64').readUInt32BE();
}

function misfit(detail: string): Refusal {
  return new Refusal(400, 'Bad Request', detail);
}

/** As the bucket answers; a client asks then how far the session is. */
function gap(start: number, heldBytes: number): Refusal {
  return new Refusal(
    503,
    'Service Unavailable',
    `Bytes from ${start} on do not join the ${heldBytes} that are held. Ask with \`bytes */\`.`,
  );
}

function gone(): Refusal {
  return new Refusal(410, 'Gone', 'This upload session has ended. Begin the upload anew.');
}

function inWords(error: unknown): unknown {
  return error instanceof MediakeepError && error.code === 'NOT_FOUND' ? gone() : error;
}

/** Nobody will read it; but it is no fault of ours. */
function lost(cause: unknown): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', 'The connection was lost before all bytes had arrived.', { cause });
}
