import { once } from 'node:events';
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** A body of known length, sent anew at every call of `chunks`. */
export interface Body {
  readonly contentType: string;
  readonly sizeBytes: number;
  chunks(): Iterable<Buffer>;
}

/** A request, prepared once and sent many times. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
}

/** Sends `call` `times` times over `atOnce` connections kept alive, and returns the answers' texts; throws at the first that is not 2xx. */
export async function send(call: Call, { times = 1, atOnce = 1 } = {}): Promise<string[]> {
  return await sendEach(Array<Call>(times).fill(call), atOnce);
}

/** Sends each call once, as {@link send} does. */
export async function sendEach(calls: readonly Call[], atOnce: number): Promise<string[]> {
  // One pool of connections for each round: a server drops idle ones between rounds, and a race with that would end the bench.
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const answers: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) answers.push(await exchange(call, agent));
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    agent.destroy();
  }
  return answers;
}

/** A GraphQL request as JSON. */
export function graphqlBody(query: string, variables: Record<string, unknown> = {}): Body {
  return wholeBody('application/json', Buffer.from(JSON.stringify({ query, variables })));
}

/** A multipart form of text fields, then one file; a file that fits is held as one piece, so that the client costs little. */
export function formBody(
  fields: Readonly<Record<string, string>>,
  file: { name: string; filename: string; mimeType: string; sizeBytes: number; chunks(): Iterable<Buffer> },
): Body {
  const texts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, '', `${value}\r\n`));
  const start = part(`name="${file.name}"; filename="${file.filename}"`, `Content-Type: ${file.mimeType}\r\n`, '');
  const before = Buffer.from(texts.join('') + start);
  const after = Buffer.from(`\r\n--${boundary}--\r\n`);
  const contentType = `multipart/form-data; boundary=${boundary}`;
  const chunks = function* () {
    yield before;
    yield* file.chunks();
    yield after;
  };
  const sizeBytes = before.length + file.sizeBytes + after.length;
  return sizeBytes < wholeBelowBytes ? wholeBody(contentType, Buffer.concat([...chunks()])) : { contentType, sizeBytes, chunks };
}

const wholeBelowBytes = 64 * 1024 ** 2;
const boundary = '----mediakeep-bench-7MA4YWxkTrZu0gW';
/** An upload of a gigabyte beside three others, on a slow disk. */
const patienceMs = 300_000;

function part(disposition: string, headers: string, value: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${headers}\r\n${value}`;
}

function wholeBody(contentType: string, bytes: Buffer): Body {
  return { contentType, sizeBytes: bytes.length, chunks: () => [bytes] };
}

async function exchange(call: Call, agent: Agent): Promise<string> {
  const signal = AbortSignal.timeout(patienceMs);
  const sent = request(call.url, { method: call.method, headers: headersOf(call), agent, signal });
  const answered = once(sent, 'response', { signal }) as Promise<[IncomingMessage]>;
  const passed = pipeline(Readable.from(call.body?.chunks() ?? [], { highWaterMark: 1 }), sent);
  // A refusal comes before the body's end and cuts it off: then the answer tells more than the broken pipe.
  passed.catch(() => undefined);
  const [response] = await answered;
  const answer = await text(response);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw new Error(`${call.method} ${call.url} was answered ${status}: ${answer.slice(0, 500)}`);
  await passed;
  return answer;
}

function headersOf({ headers, body }: Call): OutgoingHttpHeaders {
  return body === undefined ? headers : { ...headers, 'content-type': body.contentType, 'content-length': body.sizeBytes };
}
