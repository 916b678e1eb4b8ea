import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { asStorageFailure, BucketFault, ConnectionFailed } from './gcs-failure.ts';
import type { Limits } from './retry.ts';

/** One HTTP request of ours: bytes are sent as they lie, without a copy. */
export interface OutgoingRequest extends Limits {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Kept by the caller, who may have to send them again. */
  readonly body?: readonly Buffer[];
}

/** An answer whose body was read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Most bytes of an answer's body that is read whole: the JSON of a bucket is far smaller. */
const maxBodyBytes = 8 * 1024 * 1024;

/**
 * A keep-alive HTTP client with limits that hold: a request has `limitMs` for its answer, the wait for a free connection included; a connection
 * without a byte for `idleMs` is torn down; an abort destroys the socket at once; no more than `maxSockets` are open. The official client has
 * none of them (google-cloud-node#7998).
 */
export class HttpClient {
  readonly #agents: { http: http.Agent; https: https.Agent };
  readonly #idleMs: number;

  constructor(options: { idleMs: number; maxSockets: number }) {
    // `timeout` is how long an unused connection is kept: shorter than the servers' own, lest they close one in the moment it is used again.
    const settings = { keepAlive: true, maxSockets: options.maxSockets, maxFreeSockets: 32, timeout: 15_000 };
    this.#agents = { http: new http.Agent(settings), https: new https.Agent(settings) };
    this.#idleMs = options.idleMs;
  }

  /** Sends a request and reads the answer whole. Rejects with ConnectionFailed, or with the signal's reason. */
  send(request: OutgoingRequest): Promise<Answer> {
    return this.#exchange(request, async (response, outgoing) => {
      const answer = await readWhole(response);
      // It may come before the request was sent to its end; nobody is going to read the rest.
      if (!outgoing.writableFinished) outgoing.destroy();
      return answer;
    });
  }

  /** Sends a request and gives the body of a 200 or 206 as a stream, which the caller reads or destroys; any other answer is read whole. */
  open(request: OutgoingRequest): Promise<Readable | Answer> {
    return this.#exchange(request, async (response) =>
      response.statusCode === 200 || response.statusCode === 206 ? new Body(response, request.signal) : await readWhole(response),
    );
  }

  /** Closes every connection, also those in use. */
  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #exchange<T>(request: OutgoingRequest, take: Take<T>): Promise<T> {
    const { signal, limitMs } = request;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const outgoing = this.#begin(request);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        how();
      };
      // Rejects by itself: a request that still waits for a connection does not tell that it was destroyed.
      const giveUp = (reason: unknown): void => {
        outgoing.destroy();
        settle(() => reject(reason));
      };
      const onAbort = (): void => giveUp(signal.reason);
      const timer = setTimeout(() => giveUp(new ConnectionFailed(`No answer within ${limitMs} ms`)), limitMs);
      signal.addEventListener('abort', onAbort, { once: true });
      outgoing.on('error', (error) => settle(() => reject(connectionFailure(error))));
      outgoing.once('timeout', () => giveUp(idle()));
      outgoing.once('response', (response) => {
        outgoing.removeAllListeners('timeout').on('timeout', () => this.#onIdle(response));
        take(response, outgoing).then((taken) => settle(() => resolve(taken)), giveUp);
      });
    });
  }

  #begin({ method, url, headers, body = [] }: OutgoingRequest): http.ClientRequest {
    const isTls = url.startsWith('https:');
    const length = body.reduce((sum, part) => sum + part.length, 0);
    const outgoing = (isTls ? https : http).request(url, {
      method,
      agent: isTls ? this.#agents.https : this.#agents.http,
      headers: { ...headers, ...(method !== 'GET' && { 'Content-Length': length }) },
    });
    outgoing.setTimeout(this.#idleMs);
    outgoing.cork();
    for (const part of body) outgoing.write(part);
    outgoing.uncork();
    outgoing.end();
    return outgoing;
  }

  /** A response that waits for a slow reader is not idle: only one whose bytes do not come. */
  #onIdle(response: http.IncomingMessage): void {
    if (response.readableLength > 0) response.socket.setTimeout(this.#idleMs);
    else response.destroy(idle());
  }
}

type Take<T> = (response: http.IncomingMessage, outgoing: http.ClientRequest) => Promise<T>;

/** The bytes of an answer. Destroying it, and the signal, destroy the connection; a connection that breaks is STORAGE_UNAVAILABLE here. */
class Body extends Readable {
  readonly #response: http.IncomingMessage;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => {
    this.destroy(this.#signal.reason);
  };

  constructor(response: http.IncomingMessage, signal: AbortSignal) {
    super();
    this.#response = response;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    response.on('data', (piece: Buffer) => {
      if (!this.push(piece)) response.pause();
    });
    response.on('end', () => this.push(null));
    response.on('error', (error) => this.destroy(asStorageFailure(connectionFailure(error)) as Error));
  }

  override _read(): void {
    this.#response.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#response.destroy();
    done(error);
  }
}

function readWhole(response: http.IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (piece: Buffer) => {
      length += piece.length;
      pieces.push(piece);
      if (length > maxBodyBytes) response.destroy(new ConnectionFailed('The answer is longer than it can rightly be'));
    });
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces, length) }),
    );
    response.on('error', (error) => reject(connectionFailure(error)));
  });
}

function idle(): ConnectionFailed {
  return new ConnectionFailed('The storage sent and took nothing for too long');
}

function connectionFailure(error: unknown): BucketFault {
  return error instanceof BucketFault ? error : new ConnectionFailed('The connection to the storage failed', error);
}
