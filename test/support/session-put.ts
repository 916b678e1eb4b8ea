import { crc32c } from '@node-rs/crc32';

/** What a session answers. */
export interface SessionAnswer {
  readonly status: number;
  readonly range: string | null;
  readonly body: string;
  readonly headers: Headers;
}

/** One PUT to a session: the whole of `bytes`, or as its Content-Range says. */
export async function putBytes(
  url: string,
  bytes: Buffer,
  { range, headers = {} }: { range?: string; headers?: Record<string, string> } = {},
): Promise<SessionAnswer> {
  const response = await fetch(url, {
    method: 'PUT',
    headers: { ...(range !== undefined && { 'Content-Range': range }), ...headers },
    body: new Uint8Array(bytes),
  });
  return {
    status: response.status,
    range: response.headers.get('range'),
    body: await response.text(),
    headers: response.headers,
  };
}

/** How much a session holds of a file of `sizeBytes`; `whole` when it has made its object. */
export async function askSession(url: string, sizeBytes: number): Promise<number | 'whole'> {
  const { status, range, body } = await putBytes(url, Buffer.alloc(0), { range: `bytes */${sizeBytes}` });
  if (status === 200) return 'whole';
  if (status !== 308) throw new Error(`Asked how far it is, a session said ${status} ${body}`);
  return range === null ? 0 : Number(/^bytes=0-(\d+)$/.exec(range)?.[1]) + 1;
}

/** Sends what a session does not hold yet, in chunks; the CRC32C at the last, as the last answer. */
export async function sendRest(url: string, bytes: Buffer, chunkBytes = 262_144): Promise<SessionAnswer> {
  const held = await askSession(url, bytes.length);
  let answer: SessionAnswer | undefined;
  for (let start = held === 'whole' ? bytes.length : held; start < bytes.length; start += chunkBytes) {
    const end = Math.min(start + chunkBytes, bytes.length);
    const headers = end === bytes.length ? { 'X-Goog-Hash': `crc32c=${checksumOf(bytes)}` } : {};
    answer = await putBytes(url, bytes.subarray(start, end), { range: `bytes ${start}-${end - 1}/${bytes.length}`, headers });
    if (answer.status !== (end === bytes.length ? 200 : 308)) throw new Error(`At ${start}: ${answer.status} ${answer.body}`);
  }
  return answer ?? (await putBytes(url, Buffer.alloc(0), { range: `bytes */${bytes.length}` }));
}

/** CRC32C as a bucket writes it. */
export function checksumOf(bytes: Buffer): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(bytes));
  return checksum.toString('base64');
}
