import { setTimeout as pause } from 'node:timers/promises';
import { begin, send, type WireAnswer } from './gcs-emulator/wire.ts';

/** Where a session stands: the bytes it holds, or how it ended. */
export type Standing = number | 'finished' | 'gone';

/** Which part of the whole is sent. */
export interface Part {
  readonly offset: number;
  readonly totalBytes: number;
  /** CRC32C of the whole, to be checked before the object becomes visible. */
  readonly crc32c?: number;
}

/** Whoever sends the bytes of an upload session. */
export interface SessionSender {
  /** Asks. */
  standing(): Promise<Standing>;
  /** Sends a part, which completes the upload when it reaches the total. `refused`: it does not fit. */
  send(bytes: Buffer, part: Part): Promise<Standing | 'refused'>;
  /** Sends the beginning of everything from `offset` on, and then no more; `breakOff` ends that. */
  hang(bytes: Buffer, part: Part): Promise<{ breakOff(): Promise<void> }>;
}

/** The session protocol of Google Cloud Storage over plain HTTP, as strictly as a client may speak it. */
export class HttpSender implements SessionSender {
  readonly #uri: string;

  constructor(uri: string) {
    this.#uri = uri;
  }

  async standing(): Promise<Standing> {
    const standing = readAnswer(await this.#put('bytes */*', Buffer.alloc(0)));
    if (standing === 'refused') throw new Error('A question was refused');
    return standing;
  }

  async send(bytes: Buffer, part: Part): Promise<Standing | 'refused'> {
    const range = bytes.length === 0 ? '*' : `${part.offset}-${part.offset + bytes.length - 1}`;
    const isLast = part.offset + bytes.length === part.totalBytes;
    return readAnswer(await this.#put(`bytes ${range}/${part.totalBytes}`, bytes, isLast ? part.crc32c : undefined));
  }

  async hang(bytes: Buffer, { offset, totalBytes }: Part): Promise<{ breakOff(): Promise<void> }> {
    const request = begin({
      url: this.#uri,
      method: 'PUT',
      headers: { 'content-range': `bytes ${offset}-${totalBytes - 1}/${totalBytes}` },
      declaredBytes: totalBytes - offset,
    });
    request.on('error', () => undefined);
    await new Promise((resolve) => request.write(bytes, resolve));
    await arrived(this, offset + bytes.length);
    return {
      breakOff: async () => {
        request.destroy();
        await pause(20);
      },
    };
  }

  /** DELETE; the status. */
  async cancel(): Promise<number> {
    return (await send({ url: this.#uri, method: 'DELETE' })).status;
  }

  #put(range: string, body: Buffer, checksum?: number): Promise<WireAnswer> {
    const hash = checksum === undefined ? {} : { 'x-goog-hash': `crc32c=${checksumText(checksum)}` };
    return send({ url: this.#uri, method: 'PUT', headers: { 'content-range': range, ...hash }, body });
  }
}

/**
 * Waits until bytes that nobody has confirmed have arrived, as far as that can be seen: a receiver may hold some before it writes them, and so tell of less. 5 s
 * at most.
 */
export async function arrived(sender: SessionSender, sentBytes: number): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const standing = await sender.standing();
    if (typeof standing !== 'number' || standing >= sentBytes - unseenBytes) break;
    await pause(50);
  }
  await pause(100);
}

/** What a receiver may gather before it writes. */
const unseenBytes = 512 * 1024;

/** An answer of the protocol. Throws at one that a client could make nothing of. */
function readAnswer({ status, headers, body }: WireAnswer): Standing | 'refused' {
  if (status === 200 || status === 201) return 'finished';
  if (status === 404 || status === 410 || status === 499) return 'gone';
  if (status === 400 || status === 412 || status === 503) return 'refused';
  const [, last] = /^bytes=0-(\d+)$/.exec(headers.range ?? 'bytes=0--1') ?? [];
  if (status !== 308) throw new Error(`No answer of the protocol: ${status} ${body}`);
  return last === undefined ? 0 : Number(last) + 1;
}

function checksumText(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum);
  return bytes.toString('base64');
}
