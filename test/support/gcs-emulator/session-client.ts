import type { GcsEmulator } from './server.ts';
import { send, type WireAnswer } from './wire.ts';

/** 256 KiB, the step of an upload session. */
export const QUANTUM = 256 * 1024;

/** Bytes in which every offset can be told from its neighbours, so that a shifted or repeated chunk shows. */
export function patternBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let offset = 0; offset + 4 <= sizeBytes; offset += 4) bytes.writeUInt32LE(offset, offset);
  return bytes;
}

/** Starts a session for `name` in the bucket `media` by raw HTTP; the answer as it came. */
export function startSession(emulator: GcsEmulator, start: SessionStart = {}): Promise<WireAnswer> {
  const { name = 'clip', query = '', headers = {}, resource = {} } = start;
  return send({
    url: `${emulator.url}/upload/storage/v1/b/media/o?uploadType=resumable&name=${name}${query}`,
    method: 'POST',
    headers: { authorization: `Bearer ${emulator.accessToken}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(resource),
  });
}

/** How a session is to start; `query` is appended as it is, with its ampersand. */
export type SessionStart = { name?: string; query?: string; headers?: Record<string, string>; resource?: unknown };

/** Starts a session and returns its URI. */
export async function openSession(emulator: GcsEmulator, start: SessionStart = {}): Promise<string> {
  const answer = await startSession(emulator, start);
  const uri = answer.headers.location;
  if (answer.status !== 200 || uri === undefined) throw new Error(`no session: ${answer.status} ${answer.body}`);
  return uri;
}

/** A PUT on a session URI, without a token. */
export function put(
  uri: string,
  contentRange: string | undefined,
  body: Buffer | string = '',
  headers: Record<string, string> = {},
) {
  const range = contentRange === undefined ? {} : { 'content-range': contentRange };
  return send({ url: uri, method: 'PUT', headers: { ...range, ...headers }, body });
}

/** Status and Range of an answer: where an upload stands. */
export function standing(answer: WireAnswer): [number, string | undefined] {
  return [answer.status, answer.headers.range];
}
