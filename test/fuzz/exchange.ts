import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';

/** What a server made of some bytes. */
export interface Outcome {
  /** Undefined when it hung up without a word. */
  readonly status: number | undefined;
  readonly body: string;
  /** It neither answered nor hung up in {@link patienceMs}. */
  readonly isSilent: boolean;
}

/** A request on the wire. */
export interface RawRequest {
  readonly head: string;
  readonly body: Buffer;
  /** Leaves after so many bytes of the body. */
  readonly cutAt?: number;
  /** Whether the head and the length of the body are right, so that an answer must come. */
  readonly isFramed: boolean;
  /** Whether it goes to an upload session, whose protocol has statuses of its own. */
  readonly isSession?: boolean;
}

/** How long an answer may take, in milliseconds: a body that is not read is drained for five seconds first. */
const patienceMs = 20_000;

/** How long a server may think about what is no request, in milliseconds, before we leave. */
const shortPatienceMs = 300;

/** Sends a request in pieces of any size over a connection of its own, and tells what came. Rejects when nobody listens any more. */
export async function exchange(port: number, request: RawRequest, random: Random): Promise<Outcome> {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  const over = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
    if (isWhole(answer)) over.resolve();
  });
  const connected = Promise.withResolvers<void>();
  socket.once('connect', () => connected.resolve());
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') connected.reject(error);
    over.resolve();
  });
  socket.on('close', () => over.resolve());
  await connected.promise;
  const bytes = Buffer.concat([Buffer.from(request.head, 'latin1'), request.body.subarray(0, request.cutAt)]);
  for (let start = 0; start < bytes.length && socket.writable; ) {
    const end = start + (random.chance(0.7) ? bytes.length : 1 + random.below(Math.min(4000, bytes.length)));
    socket.write(bytes.subarray(start, end));
    start = end;
    if (start < bytes.length) await sleep(0);
  }
  const waits = request.isFramed && request.cutAt === undefined ? patienceMs : shortPatienceMs;
  const timer = new AbortController();
  const silence = sleep(waits, 'silent', { signal: timer.signal }).catch(() => 'over');
  const isSilent = (await Promise.race([over.promise, silence])) === 'silent' && waits === patienceMs;
  timer.abort();
  socket.destroy();
  const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  return { status: status === undefined ? undefined : Number(status), body, isSilent };
}

/** Whether an answer is there to its last byte. */
function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = answer.slice(0, end).toLowerCase();
  if (/^http\/1\.1 (204|304|499)/.test(head)) return true;
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length - end - 4 >= Number(length);
}
