/** One HTTP request. */
export interface Exchange {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Blob | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes of the body are on their way, whenever that has grown. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** The answer to an {@link Exchange}, whatever its status. */
export interface Reply {
  readonly status: number;
  /** Null when there is none, or the page may not read it. */
  header(name: string): string | null;
  readonly text: string;
}

/** Sends, and resolves with the answer. Rejects with NETWORK when none comes, and with the signal's reason when that aborts. */
export type Send = (exchange: Exchange) => Promise<Reply>;

/** How many bytes a body has; of a string, which is only sent where nobody counts, how many code units. */
export function sizeOf(body: Exchange['body']): number {
  return body instanceof Blob ? body.size : body.length;
}
