import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpFailure, type Reply } from './reply.ts';

/** What a request is, whatever its path. `chunk` and `final` carry an upload session's bytes; `final` completes the object. */
export type RequestKind =
  | 'start'
  | 'chunk'
  | 'final'
  | 'status'
  | 'cancel'
  | 'upload'
  | 'download'
  | 'metadata'
  | 'patch'
  | 'delete'
  | 'list'
  | 'bucket'
  | 'permissions'
  | 'token'
  | 'sign'
  | 'preflight'
  | 'unknown';

/** One request as the emulator saw it. `status` is absent while it runs and when no answer was sent. */
export type RequestRecord = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  kind: RequestKind;
  bucket?: string;
  name?: string;
  uploadId?: string;
  status?: number;
};

/**
 * What goes wrong.
 * - `reset`: the connection is reset, nothing is answered.
 * - `lost-answer`: the work is done, then the connection is reset.
 * - `stall`: the body is swallowed and no answer ever comes.
 * - `{ stallMs }`: nothing is read for that long (the sender feels backpressure), then all goes on as if nothing had been.
 * - `{ status }`: this answer instead of the work. The body defaults to the JSON error shape.
 * - `no-progress` (sessions): 308 with what is held; no byte of the request counts beyond `afterBytes`.
 * - `expire` (sessions): 410, and the session is dead.
 * - `{ truncateAfterBytes }`: the right headers, that many bytes of the body, then the connection closes.
 */
export type FaultAction =
  | 'reset'
  | 'lost-answer'
  | 'stall'
  | 'no-progress'
  | 'expire'
  | { stallMs: number }
  | { status: number; headers?: Record<string, string>; body?: string }
  | { truncateAfterBytes: number };

/**
 * One scripted fault. `match: 'data'` is `chunk` or `final`. With `afterBytes`, an offset within the whole upload, it
 * waits for the request that carries that offset, keeps the bytes before it (down to 256 KiB) and strikes there.
 * Without, it strikes before any byte of the request counts. It strikes `times` requests, 1 when left out.
 */
export type Fault = {
  match: RequestKind | 'data' | ((request: RequestRecord) => boolean);
  action: FaultAction;
  afterBytes?: number;
  times?: number;
};

/** What becomes of a request: an answer, or one of the ways to get none. */
export type Outcome = Reply | { reply: Reply; truncateAfterBytes: number } | 'reset' | 'stall';

/** The faults still to come. The first that fits a request strikes it. */
export class FaultScript {
  #waiting: { fault: Fault; timesLeft: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, timesLeft: fault.times ?? 1 });
  }

  /** The fault that strikes this request, used up by one. `range` is what it carries of the upload, `end` exclusive. */
  take(request: RequestRecord, range?: { start: number; end: number }): Fault | undefined {
    const struck = this.#waiting.find(({ fault }) => fits(fault, request) && reaches(fault, range));
    if (struck === undefined) return undefined;
    struck.timesLeft -= 1;
    if (struck.timesLeft <= 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== struck);
    return struck.fault;
  }

  /** Faults that have not struck as often as they should: a test's proof that its script ran. */
  get pending(): number {
    return this.#waiting.length;
  }

  clear(): void {
    this.#waiting = [];
  }
}

/** Does the work of one request under a fault. Session-only actions are done before this by the session's handler. */
export async function underFault(fault: Fault | undefined, work: () => Promise<Outcome>): Promise<Outcome> {
  const action = fault?.action;
  if (action === undefined) return work();
  if (action === 'reset' || action === 'stall') return action;
  if (action === 'lost-answer') return loseAnswer(work);
  if (typeof action === 'string') throw new Error(`the fault '${action}' belongs to requests on an upload session`);
  if ('status' in action) return scriptedAnswer(action);
  if ('truncateAfterBytes' in action) return truncate(await work(), action.truncateAfterBytes);
  await sleep(action.stallMs);
  return work();
}

function fits({ match }: Fault, request: RequestRecord): boolean {
  if (typeof match === 'function') return match(request);
  if (match === 'data') return request.kind === 'chunk' || request.kind === 'final';
  return match === request.kind;
}

function reaches({ afterBytes }: Fault, range: { start: number; end: number } | undefined): boolean {
  if (afterBytes === undefined) return true;
  return range !== undefined && range.start <= afterBytes && afterBytes < range.end;
}

async function loseAnswer(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    await work();
  } catch (error) {
    // A refusal is an answer too, and is lost like any other.
    if (!(error instanceof HttpFailure)) throw error;
  }
  return 'reset';
}

function scriptedAnswer(action: { status: number; headers?: Record<string, string>; body?: string }): Reply {
  const { status, headers = {} } = action;
  const message = `Scripted fault ${status}`;
  const error = { code: status, message, errors: [{ message, domain: 'global', reason: 'backendError' }] };
  const body = Buffer.from(action.body ?? JSON.stringify({ error }));
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8', ...headers }, body };
}

function truncate(outcome: Outcome, truncateAfterBytes: number): Outcome {
  return typeof outcome === 'object' && 'body' in outcome ? { reply: outcome, truncateAfterBytes } : outcome;
}
