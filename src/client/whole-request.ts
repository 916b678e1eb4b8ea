import { failureIn } from './answer.ts';
import { type Connection, run } from './connection.ts';
import type { Reply } from './exchange.ts';
import { randomHex } from './form.ts';
import { DeleteMediaDocument } from './generated.ts';
import { isPassing, Patience, type RetryOptions, retrying } from './retry.ts';
import { Meter, type UploadProgress } from './upload-options.ts';

/** An operation with files in its variables. */
export interface WholeRequest {
  readonly query: string;
  readonly variables: unknown;
  /** Bytes of all its files. */
  readonly totalBytes: number;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: RetryOptions | undefined;
  /** The assets that an answer tells of, for the case that they are not wanted any more. */
  idsIn(reply: Reply): readonly string[];
}

/**
 * Sends an operation with its files in one request, and resolves with the answer. It carries an idempotency key of its own, so that it can be
 * sent again when its answer got lost. When the signal aborts nothing is left on the server.
 */
export async function sendWhole(connection: Connection, request: WholeRequest): Promise<Reply> {
  const { signal, totalBytes } = request;
  const meter = new Meter(totalBytes, request.onProgress);
  const headers = { 'idempotency-key': randomHex() };
  const reply = await retrying(new Patience(request.retry ?? connection.retry, signal), async () => {
    const transfer = new Cancellable(totalBytes, signal);
    const onSent = (bytes: number): void => {
      transfer.sent(bytes);
      meter.sent(bytes);
    };
    try {
      const answer = await connection.post(request, { headers, signal: transfer.signal, onSent });
      const failure = failureIn(answer);
      if (isPassing(failure)) throw failure;
      return answer;
    } finally {
      transfer.end();
    }
  });
  if (signal?.aborted) {
    for (const id of request.idsIn(reply)) await run(connection, DeleteMediaDocument, { id });
    throw signal.reason;
  }
  return reply;
}

/** How long the answer to an upload that is all sent is waited for when it is cancelled, in milliseconds. */
const lastWordMs = 20_000;

/**
 * What ends a transfer: the signal, as long as there is something to send. After that the server may already have made the asset, which only
 * its answer names: so it is waited for, and the asset deleted.
 */
class Cancellable {
  readonly #totalBytes: number;
  readonly #wish: AbortSignal | undefined;
  readonly #cut = new AbortController();
  #sentBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(totalBytes: number, wish: AbortSignal | undefined) {
    wish?.throwIfAborted();
    this.#totalBytes = totalBytes;
    this.#wish = wish;
    wish?.addEventListener('abort', this.#cancel);
  }

  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  sent(bytes: number): void {
    this.#sentBytes = bytes;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#wish?.removeEventListener('abort', this.#cancel);
  }

  readonly #cancel = (): void => {
    const cut = (): void => this.#cut.abort(this.#wish?.reason);
    if (this.#sentBytes < this.#totalBytes) cut();
    else this.#timer = setTimeout(cut, lastWordMs);
  };
}
