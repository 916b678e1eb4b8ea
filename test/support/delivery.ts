import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { v7 as newId } from 'uuid';
import { MediakeepError } from '../../src/errors.ts';
import { MediaLibrary } from '../../src/media/library.ts';
import { LinkSigner } from '../../src/media/links.ts';
import { type MediaAsset, notFound } from '../../src/media/media-asset.ts';
import type { ImageTools, ListedObject, ObjectStorage, StoredObject, VideoTools } from '../../src/media/ports.ts';
import { MemoryStorage, MemoryStore, pngOf, silent } from './memory.ts';

/** Objects in memory that arrive in pieces, may break off or stall midway, and may lie elsewhere. */
export class DeliveringStorage implements ObjectStorage {
  readonly memory = new MemoryStorage();
  readonly sessions = this.memory.sessions;
  /** How often an object was opened, and how many of these streams are not closed yet. */
  opened = 0;
  stillOpen = 0;
  /** Breaks every read off after so many bytes. */
  breaksAfterBytes = Number.POSITIVE_INFINITY;
  /** Sends no more after so many bytes. */
  stallsAfterBytes = Number.POSITIVE_INFINITY;
  /** How long it takes to store an object whose bytes are all there. */
  storingMs = 0;
  /** Where downloads are sent; undefined: streamed. */
  elsewhere: string | undefined;

  uriOf(key: string): string {
    return this.memory.uriOf(key);
  }

  async put(key: string, source: Readable): Promise<StoredObject> {
    const bytes = await buffer(source);
    await new Promise((resolve) => setTimeout(resolve, this.storingMs));
    return await this.memory.put(key, Readable.from([bytes], { objectMode: false }));
  }

  scan(...args: Parameters<ObjectStorage['scan']>): Promise<void> {
    return this.memory.scan(...args);
  }

  stat(key: string): Promise<StoredObject | undefined> {
    return this.memory.stat(key);
  }

  removeAll(prefix: string): Promise<void> {
    return this.memory.removeAll(prefix);
  }

  list(): AsyncIterable<ListedObject> {
    return this.memory.list();
  }

  check(): Promise<void> {
    return this.memory.check();
  }

  async read(key: string, { range, signal }: Parameters<ObjectStorage['read']>[1]): Promise<Readable> {
    const bytes = this.memory.objects.get(key);
    if (bytes === undefined) throw notFound();
    this.opened += 1;
    this.stillOpen += 1;
    const stream = this.#pieces(range === undefined ? bytes : bytes.subarray(range.start, range.end + 1), signal);
    return stream.on('close', () => {
      this.stillOpen -= 1;
    });
  }

  get redirects(): boolean {
    return this.elsewhere !== undefined;
  }

  async downloadUrl(key: string): Promise<string | undefined> {
    return this.elsewhere && `${this.elsewhere}/${key}?X-Goog-Signature=abc`;
  }

  #pieces(bytes: Buffer, signal: AbortSignal): Readable {
    let at = 0;
    const read = (): void => {
      if (at >= this.breaksAfterBytes)
        return void stream.destroy(new MediakeepError('STORAGE_UNAVAILABLE', 'The storage broke off.'));
      if (at >= this.stallsAfterBytes) return;
      stream.push(at >= bytes.length ? null : bytes.subarray(at, at + 16_384));
      at += 16_384;
    };
    const stream = new Readable({ read, signal });
    return stream;
  }
}

/** A library whose links lead to a server at `baseUrl`, over a {@link DeliveringStorage}, on a clock that can be turned. */
export class DeliveringLibrary {
  readonly storage = new DeliveringStorage();
  readonly store = new MemoryStore();
  readonly library: MediaLibrary;
  now: Date | undefined;
  baseUrl = '';

  constructor() {
    const clock = (): Date => this.now ?? new Date();
    this.library = new MediaLibrary({
      storage: this.storage,
      store: this.store,
      images,
      videos,
      links: new LinkSigner({ secret: 'a secret for the links of a test', baseUrl: () => this.baseUrl, clock }),
      limits: {
        maxImageBytes: 10_000_000,
        maxVideoBytes: 10_000_000,
        maxImagePixels: 100,
        userQuotaBytes: undefined,
        maxUploadsPerUser: 50,
        maxUploadsPerProcess: 300,
      },
      uploadSessionSeconds: 86_400,
      uploadGraceSeconds: 3600,
      imageMemoryBytes: 100_000_000,
      pregenerateWidths: [],
      stripsLocation: false,
      clock,
      newId,
      log: silent,
    });
  }

  /** An image of the user `anna`, with its bytes. */
  async image(filename: string, sizeBytes: number): Promise<{ asset: MediaAsset; bytes: Buffer; url: string }> {
    const bytes = Buffer.concat([pngOf(64), Buffer.from(Array.from({ length: sizeBytes - 64 }, (_, index) => index % 251))]);
    const asset = await this.library.upload('anna', {
      kind: 'IMAGE',
      filename,
      source: Readable.from([bytes], { objectMode: false }),
    });
    return { asset, bytes, url: this.library.linkTo(asset, 3600) };
  }
}

const images: ImageTools = {
  inspect: async () => ({ width: 3, height: 2, animated: false, hasAlpha: false, placeholder: '', dominantColor: null }),
  cutLocation: () => false,
  render: async (image, { take, signal }) => {
    const bytes = await image.read(signal);
    for (const { plan, deliver } of take())
      deliver(Buffer.from(`${plan.width}x${plan.height} ${plan.format} of ${bytes.length} bytes`));
  },
};

const videos: VideoTools = {
  probe: async () => ({ width: 320, height: 240, durationSeconds: 1.5, videoCodec: 'avc', audioCodec: null, frameRate: 25 }),
};
