import { dataOf } from './answer.ts';
import { type Asset, assetOf } from './assets.ts';
import { type Connection, run } from './connection.ts';
import { randomHex } from './form.ts';
import {
  DeleteMediaDocument,
  UploadImageDocument,
  type UploadImageMutation,
  UploadVideoDocument,
  type UploadVideoMutation,
} from './generated.ts';
import { Patience, retrying } from './retry.ts';
import { Meter, type Upload } from './upload-options.ts';

/**
 * Uploads by one request. It carries an idempotency key of its own, so that it can be sent again when the answer got lost.
 * When the signal aborts nothing is left on the server.
 */
export async function uploadWhole(connection: Connection, upload: Upload): Promise<Asset> {
  const { file, kind, filename, title, altText, tags, signal } = upload;
  const meter = new Meter(file.size, upload.onProgress);
  const query = String(kind === 'IMAGE' ? UploadImageDocument : UploadVideoDocument);
  const variables = { file: named(file, filename), title, altText, tags };
  const headers = { 'idempotency-key': randomHex() };
  const asset = await retrying(new Patience(upload.retry ?? connection.retry, signal), async () => {
    const transfer = new Transfer(file.size, signal);
    try {
      const reply = await connection.post(
        { query, variables },
        {
          headers,
          signal: transfer.signal,
          onSent: (bytes) => {
            transfer.sent(bytes);
            meter.sent(bytes);
          },
        },
      );
      const data = dataOf(reply) as Partial<UploadImageMutation & UploadVideoMutation>;
      // The one that was asked for.
      return assetOf((data.uploadImage ?? data.uploadVideo) as UploadImageMutation['uploadImage']);
    } finally {
      transfer.end();
    }
  });
  if (signal?.aborted) {
    await run(connection, DeleteMediaDocument, { id: asset.id });
    throw signal.reason;
  }
  return asset;
}

/** The file under the name that it shall have. */
function named(file: Blob, filename: string): Blob {
  return 'name' in file && file.name === filename ? file : new File([file], filename, { type: file.type });
}

/** How long the answer to an upload that is all sent is waited for when it is cancelled, in milliseconds. */
const lastWordMs = 20_000;

/**
 * What ends a transfer: the signal, as long as there is something to send. After that the server may already have made the asset, which only
 * its answer names: so it is waited for, and then deleted.
 */
class Transfer {
  readonly #sizeBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #cut = new AbortController();
  #sentBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sizeBytes: number, signal: AbortSignal | undefined) {
    this.#sizeBytes = sizeBytes;
    this.#signal = signal;
    signal?.throwIfAborted();
    signal?.addEventListener('abort', this.#cancel);
  }

  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  sent(bytes: number): void {
    this.#sentBytes = bytes;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#cancel);
  }

  readonly #cancel = (): void => {
    const cut = (): void => this.#cut.abort(this.#signal?.reason);
    if (this.#sentBytes < this.#sizeBytes) cut();
    else this.#timer = setTimeout(cut, lastWordMs);
  };
}
