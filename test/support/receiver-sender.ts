import { Readable } from 'node:stream';
import { MediakeepError } from '../../src/errors.ts';
import type { UploadReceiver } from '../../src/media/ports.ts';
import { arrived, type Part, type SessionSender, type Standing } from './session-sender.ts';

/** Speaks to a storage's receiver without HTTP, as the endpoint before it does. */
export class ReceiverSender implements SessionSender {
  readonly #receiver: UploadReceiver;
  readonly #key: string;
  readonly #signal = new AbortController().signal;

  constructor(receiver: UploadReceiver, key: string) {
    this.#receiver = receiver;
    this.#key = key;
  }

  async standing(): Promise<Standing> {
    const standing = await judged(this.#receiver.held(this.#key, this.#signal));
    if (standing === 'refused') throw new Error('A question was refused');
    return standing;
  }

  async send(bytes: Buffer, { offset, totalBytes, crc32c }: Part): Promise<Standing | 'refused'> {
    const source = Readable.from([bytes], { objectMode: false });
    const held = await judged(this.#append(source, { offset, totalBytes }));
    if (offset + bytes.length < totalBytes || typeof held !== 'number') return held;
    const finishing = this.#receiver.finish(this.#key, { sizeBytes: totalBytes, crc32c, signal: this.#signal });
    return await judged(finishing.then(() => 'finished'));
  }

  async hang(bytes: Buffer, part: Part): Promise<{ breakOff(): Promise<void> }> {
    const source = new Readable({ read: () => undefined });
    source.push(bytes);
    const appending = this.#append(source, part).catch(() => undefined);
    await arrived(this, part.offset + bytes.length);
    return {
      breakOff: async () => {
        source.destroy(new Error('The client is gone'));
        await appending;
      },
    };
  }

  #append(source: Readable, { offset, totalBytes }: Part): Promise<number> {
    return this.#receiver.append(this.#key, source, { offset, limitBytes: totalBytes, signal: this.#signal });
  }
}

async function judged(work: Promise<Standing>): Promise<Standing | 'refused'> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof MediakeepError ? error.code : undefined;
    if (code === 'NOT_FOUND') return 'gone';
    if (error instanceof RangeError || code === 'INVALID_MEDIA') return 'refused';
    if (error instanceof Error && error.message.startsWith('There is an object already')) return 'refused';
    throw error;
  }
}
