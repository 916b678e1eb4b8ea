import { type Readable, Writable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { MediakeepError } from '../../src/errors.ts';
import type { StoredObject, UploadReceiver, UploadSessions } from '../../src/media/ports.ts';
import { pourUntil } from '../../src/storage/session-source.ts';

interface Session {
  bytes: Buffer;
  /** Stops whoever is adding. */
  stop: (reason: Error) => void;
  /** Resolves when nobody is adding any more. */
  end: Promise<void>;
}

/** Upload sessions in a Map, beside the objects they make. `answer` throws when the storage is away. */
export class MemorySessions implements UploadSessions, UploadReceiver {
  readonly receiver = this;
  readonly #objects: Map<string, Buffer>;
  readonly #answer: () => void;
  readonly #sessions = new Map<string, Session>();

  constructor(objects: Map<string, Buffer>, answer: () => void) {
    this.#objects = objects;
    this.#answer = answer;
  }

  /** The keys of sessions that have neither made their object nor been cancelled. */
  get live(): string[] {
    return [...this.#sessions.keys()];
  }

  async open(key: string): Promise<undefined> {
    this.#answer();
    if (this.#objects.has(key)) throw new Error(`There is an object already: ${key}`);
    if (!this.#sessions.has(key))
      this.#sessions.set(key, { bytes: Buffer.alloc(0), stop: () => undefined, end: Promise.resolve() });
  }

  async cancel(key: string): Promise<void> {
    this.#answer();
    this.#sessions.get(key)?.stop(noSuchSession());
    this.#sessions.delete(key);
  }

  removeAll(prefix: string): void {
    for (const [key, { stop }] of this.#sessions) {
      if (!key.startsWith(prefix)) continue;
      stop(noSuchSession());
      this.#sessions.delete(key);
    }
  }

  async held(key: string): Promise<number> {
    return this.#found(key).bytes.length;
  }

  async append(key: string, source: Readable, options: Parameters<UploadReceiver['append']>[2]): Promise<number> {
    source.on('error', () => undefined);
    const session = this.#found(key);
    const turn = new AbortController();
    const before = session.end;
    session.stop(new MediakeepError('OVERLOADED', 'Another request goes on with this upload.', { retryAfterSeconds: 1 }));
    session.stop = (reason) => turn.abort(reason);
    const adding = before.then(() =>
      add(session, source, { ...options, signal: AbortSignal.any([options.signal, turn.signal]) }),
    );
    session.end = adding.then(
      () => undefined,
      () => undefined,
    );
    return await adding;
  }

  async finish(key: string, options: Parameters<UploadReceiver['finish']>[1]): Promise<StoredObject> {
    this.#answer();
    const session = this.#sessions.get(key);
    const bytes = session?.bytes ?? this.#objects.get(key);
    if (bytes === undefined) throw noSuchSession();
    const facts = { sizeBytes: bytes.length, crc32c: crc32c(bytes) };
    if (facts.sizeBytes !== options.sizeBytes)
      throw new RangeError(`${facts.sizeBytes} bytes where ${options.sizeBytes} were announced`);
    if (options.crc32c !== undefined && options.crc32c !== facts.crc32c)
      throw new MediakeepError('INVALID_MEDIA', 'The bytes that arrived are not those that were sent: their checksum differs.');
    if (session === undefined) return facts;
    if (this.#objects.has(key)) throw new Error(`There is an object already: ${key}`);
    session.stop(noSuchSession());
    this.#sessions.delete(key);
    this.#objects.set(key, bytes);
    return facts;
  }

  #found(key: string): Session {
    this.#answer();
    const session = this.#sessions.get(key);
    if (session === undefined) throw noSuchSession();
    return session;
  }
}

async function add(
  session: Session,
  source: Readable,
  { offset, limitBytes, signal }: Parameters<UploadReceiver['append']>[2],
): Promise<number> {
  signal.throwIfAborted();
  const begun = session.bytes;
  if (offset > begun.length) throw new RangeError(`Bytes from ${offset} on do not join the ${begun.length} that are held`);
  const pieces = [begun];
  const sink = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece);
      done();
    },
  });
  const skipBytes = begun.length - offset;
  const failure = await pourUntil(source, sink, { skipBytes, roomBytes: Math.max(0, limitBytes - begun.length), signal });
  session.bytes = Buffer.concat(pieces);
  if (failure !== undefined) throw failure.error;
  return session.bytes.length;
}

function noSuchSession(): MediakeepError {
  return new MediakeepError('NOT_FOUND', 'There is no such upload, or it has ended.');
}
