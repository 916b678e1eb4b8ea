import { MediakeepError } from './errors.ts';
import { type Exchange, type Reply, type Send, sizeOf } from './exchange.ts';
import { noAnswer } from './no-answer.ts';
import { sendByXhr, xhrOf } from './xhr.ts';

/**
 * How this place sends. Bodies whose progress is asked for go through XMLHttpRequest where there is one, because browsers tell of no other how
 * far it is; elsewhere, and whenever a `fetch` is given, through fetch. They are given up when nothing has moved for `stallMs`: the network may
 * no longer be there.
 */
export function sender(given: typeof fetch | undefined, stallMs = 60_000): Send {
  const Xhr = xhrOf(globalThis);
  const byFetch = fetchSender(given ?? globalThis.fetch.bind(globalThis), Xhr === undefined);
  const byXhr = given === undefined && Xhr !== undefined ? (exchange: Exchange) => sendByXhr(Xhr, exchange) : undefined;
  return (exchange) => watched(exchange, exchange.onSent && byXhr ? byXhr : byFetch, stallMs);
}

/** How much longer than for the next byte the answer to a body that is all sent is waited for: a large picture may have to queue before it is decoded. */
const answerFactor = 5;

/** Sends, and gives up when nothing moves for long. */
async function watched(exchange: Exchange, send: Send, stallMs: number): Promise<Reply> {
  const { body, signal, onSent } = exchange;
  signal?.throwIfAborted();
  if (onSent === undefined) return await send(exchange);
  const stalled = new AbortController();
  const totalBytes = sizeOf(body);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const watch = (sentBytes: number): void => {
    clearTimeout(timer);
    // A body goes on for a moment after a refusal that came early.
    if (isOver) return;
    const giveUp = (): void => stalled.abort(new MediakeepError('The connection stands still.', { code: 'NETWORK' }));
    timer = setTimeout(giveUp, sentBytes < totalBytes ? stallMs : stallMs * answerFactor);
  };
  watch(0);
  try {
    return await send({
      ...exchange,
      signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
      onSent: (sentBytes) => {
        watch(sentBytes);
        if (!isOver) onSent(sentBytes);
      },
    });
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}

/** Bodies are counted as they leave only where fetch takes streams over any HTTP: Node, Deno, Bun, but no browser. */
function fetchSender(fetch: typeof globalThis.fetch, takesStreams: boolean): Send {
  return async ({ method, url, headers, body, signal, onSent }) => {
    const isCounted = takesStreams && onSent !== undefined && typeof body !== 'string';
    try {
      const response = await fetch(url, {
        method,
        ...(isCounted
          ? // `duplex` is not in every library of types, but what a stream needs.
            ({ headers: withLength(headers, body), body: counted(body, onSent), duplex: 'half' } as object)
          : { headers: { ...headers }, body }),
        signal: signal ?? null,
      });
      if (!isCounted) onSent?.(sizeOf(body));
      return { status: response.status, header: (name) => response.headers.get(name), text: await response.text() };
    } catch (error) {
      signal?.throwIfAborted();
      throw noAnswer(error);
    }
  };
}

function withLength(headers: Readonly<Record<string, string>>, body: Exchange['body']): Record<string, string> {
  return { ...headers, 'content-length': String(sizeOf(body)) };
}

/** How much of a chunk in memory is handed on at a time. */
const pieceBytes = 65_536;

/** The body as a stream that tells how much of it the connection has taken: what was asked for before is gone when more is asked for. */
function counted(body: Blob | Uint8Array<ArrayBuffer>, onSent: (bytes: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = body instanceof Blob ? piecesOf(body.stream()) : slices(body);
  let sentBytes = 0;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        if (sentBytes > 0) onSent(sentBytes);
        const { done, value } = await pieces.next();
        if (done) return controller.close();
        sentBytes += value.byteLength;
        controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    // Nothing is asked for in advance.
    { highWaterMark: 0 },
  );
}

async function* piecesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield* slices(next.value);
  } finally {
    await reader.cancel();
  }
}

/** What is in memory comes in one piece, however large. */
async function* slices(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
}
