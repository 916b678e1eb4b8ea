import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32c } from '@node-rs/crc32';
import { v7 as uuidv7 } from 'uuid';
import { MediakeepError } from '../../src/errors.ts';
import { type LibraryDependencies, MediaLibrary } from '../../src/media/library.ts';
import { LinkSigner } from '../../src/media/links.ts';
import { type MediaAsset, mediaStatuses, notFound } from '../../src/media/media-asset.ts';
import { keyInUse, type Limits, quotaExceeded } from '../../src/media/policy.ts';
import type {
  AssetChange,
  Claim,
  ImageTools,
  InventoryRow,
  ListedObject,
  Log,
  MediaStore,
  ObjectStorage,
  PageFilter,
  PageQuery,
  PendingUpload,
  StoredObject,
  Unfinished,
  UploadSession,
  VideoTools,
} from '../../src/media/ports.ts';
import { MemorySessions } from './memory-sessions.ts';

/** A MediaLibrary without database, disk or codec, for tests of what stands before it: quick, and open to look into. */
export interface MemoryLibrary {
  readonly library: MediaLibrary;
  readonly storage: MemoryStorage;
  readonly store: MemoryStore;
}

export function memoryLibrary(
  limits: Partial<Limits> = {},
  log: Log = silent,
  others: Partial<LibraryDependencies> = {},
): MemoryLibrary {
  const storage = new MemoryStorage();
  const store = new MemoryStore();
  const clock = (): Date => new Date();
  const library = new MediaLibrary({
    storage,
    store,
    images: headerOnlyImages,
    videos: anyVideo,
    links: new LinkSigner({ secret: 'a secret for links in memory', baseUrl: () => 'http://media.test', clock }),
    limits: {
      maxImageBytes: 26_214_400,
      maxVideoBytes: 5_368_709_120,
      maxImagePixels: 1e8,
      userQuotaBytes: undefined,
      maxUploadsPerUser: 50,
      maxUploadsPerProcess: 300,
      ...limits,
    },
    uploadGraceSeconds: 3600,
    uploadSessionSeconds: 86_400,
    imageMemoryBytes: 256 * 1024 * 1024,
    pregenerateWidths: [],
    stripsLocation: false,
    clock,
    newId: uuidv7,
    log,
    ...others,
  });
  return { library, storage, store };
}

/** Tells nobody. */
export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Objects in a Map. `failing` makes every call answer as a storage that is away. */
export class MemoryStorage implements ObjectStorage {
  readonly objects = new Map<string, Buffer>();
  readonly redirects = false;
  readonly sessions = new MemorySessions(this.objects, () => this.#answer());
  failing = false;

  uriOf(key: string): string {
    return `memory:${key}`;
  }

  async put(key: string, source: Readable): Promise<StoredObject> {
    const bytes = await buffer(source);
    this.#answer();
    if (this.objects.has(key)) throw new Error(`${key} exists`);
    this.objects.set(key, bytes);
    return { sizeBytes: bytes.length, crc32c: crc32c(bytes) };
  }

  async read(key: string, { range }: Parameters<ObjectStorage['read']>[1]): Promise<Readable> {
    const bytes = this.#found(key);
    return Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)], { objectMode: false });
  }

  async scan(...[key, see, signal]: Parameters<ObjectStorage['scan']>): Promise<void> {
    signal.throwIfAborted();
    see(this.#found(key));
    signal.throwIfAborted();
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const bytes = this.objects.get(key);
    return bytes && { sizeBytes: bytes.length, crc32c: crc32c(bytes) };
  }

  async removeAll(prefix: string): Promise<void> {
    this.#answer();
    this.sessions.removeAll(prefix);
    for (const key of this.objects.keys()) if (key.startsWith(prefix)) this.objects.delete(key);
  }

  async *list(): AsyncGenerator<ListedObject> {
    for (const key of [...this.objects.keys()].sort()) {
      const bytes = this.#found(key);
      yield { key, sizeBytes: bytes.length, crc32c: crc32c(bytes), updatedAt: new Date(0) };
    }
  }

  async downloadUrl(): Promise<undefined> {
    return undefined;
  }

  async check(): Promise<void> {
    this.#answer();
  }

  #found(key: string): Buffer {
    this.#answer();
    const bytes = this.objects.get(key);
    if (bytes === undefined) throw notFound();
    return bytes;
  }

  #answer(): void {
    if (this.failing) throw new MediakeepError('STORAGE_UNAVAILABLE', 'The storage does not answer.');
  }
}

/** Rows in a Map; one process, so everything is one transaction. */
export class MemoryStore implements MediaStore {
  readonly rows = new Map<string, MediaAsset>();
  readonly #reserved = new Map<string, number>();
  readonly #keys = new Map<string, string>();
  readonly #pending = new Map<string, { sizeBytes: number; uri?: string; completedBy?: string | undefined }>();
  /** How often a count was asked for. */
  counts = 0;
  /** What a call for a page fails with. */
  failure: Error | undefined;

  async begin(asset: MediaAsset, reservation: Reservation): Promise<void> {
    const { idempotencyKey } = reservation;
    if (idempotencyKey !== undefined && (await this.findByKey(asset.ownerId, idempotencyKey)) !== undefined) throw keyInUse();
    this.#assertQuota(asset, reservation);
    this.rows.set(asset.id, asset);
    this.#reserved.set(asset.id, reservation.reserveBytes);
    if (reservation.isAnnounced) this.#pending.set(asset.id, { sizeBytes: reservation.reserveBytes });
    if (idempotencyKey !== undefined) this.#keys.set(`${asset.ownerId} ${idempotencyKey}`, asset.id);
  }

  async findByKey(ownerId: string, key: string): Promise<MediaAsset | 'RUNNING' | undefined> {
    const asset = this.rows.get(this.#keys.get(`${ownerId} ${key}`) ?? '');
    if (asset === undefined || asset.state === 'DELETING') return undefined;
    return asset.state === 'UPLOADING' ? 'RUNNING' : asset;
  }

  async reserve(id: string, reservation: Reservation): Promise<boolean> {
    const asset = this.rows.get(id);
    if (asset?.state !== 'UPLOADING') return false;
    this.#assertQuota(asset, reservation);
    this.#reserved.set(id, Math.max(reservation.reserveBytes, this.#reserved.get(id) ?? 0));
    return true;
  }

  async touch(id: string): Promise<boolean> {
    return this.rows.get(id)?.state === 'UPLOADING';
  }

  async commit(asset: MediaAsset): Promise<boolean> {
    this.#reserved.delete(asset.id);
    this.#pending.delete(asset.id);
    return this.rows.has(asset.id);
  }

  async abandon(id: string): Promise<boolean> {
    const asset = this.rows.get(id);
    if (asset === undefined) return true;
    asset.state = 'DELETING';
    this.#reserved.delete(id);
    return true;
  }

  async find(ownerId: string, id: string): Promise<MediaAsset | undefined> {
    const asset = await this.findShared(id);
    return asset?.ownerId === ownerId ? asset : undefined;
  }

  async findShared(id: string): Promise<MediaAsset | undefined> {
    const asset = this.rows.get(id);
    return asset !== undefined && isPublic(asset) ? asset : undefined;
  }

  async page({ ownerId, first, after, filter }: PageQuery): Promise<MediaAsset[]> {
    if (this.failure !== undefined) throw this.failure;
    const rows = this.#select(ownerId, filter).sort((a, b) => compare(b, a));
    return rows.filter((asset) => after === undefined || compare(asset, after) < 0).slice(0, first + 1);
  }

  async count(ownerId: string, filter: PageFilter): Promise<number> {
    this.counts += 1;
    return this.#select(ownerId, filter).length;
  }

  async usage(ownerId: string): Promise<{ count: number; sizeBytes: number }> {
    this.counts += 1;
    const rows = this.#select(ownerId, {});
    return { count: rows.length, sizeBytes: rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  async update(ownerId: string, id: string, change: AssetChange, now: Date): Promise<MediaAsset | undefined> {
    const asset = await this.find(ownerId, id);
    const { focus, ...described } = change;
    const focused = focus === undefined ? {} : { focusX: focus?.x ?? null, focusY: focus?.y ?? null };
    return asset && Object.assign(asset, described, focused, { updatedAt: now });
  }

  async startDeletion(ownerId: string, id: string): Promise<MediaAsset | undefined> {
    const asset = await this.find(ownerId, id);
    return asset && Object.assign(asset, { state: 'DELETING' as const });
  }

  async claimUnfinished(): Promise<Unfinished[]> {
    return [...this.rows.values()].filter(({ state }) => state === 'DELETING').map(({ id }) => this.#unfinished(id));
  }

  async countPending(ownerId: string): Promise<number> {
    return [...this.rows.values()].filter((asset) => asset.ownerId === ownerId && this.#isPending(asset)).length;
  }

  async keepSession(id: string, { uri }: UploadSession): Promise<boolean> {
    return (await this.findPending(id)) !== undefined && Object.assign(this.#pending.get(id) ?? {}, { uri }) !== undefined;
  }

  async findPending(id: string): Promise<PendingUpload | undefined> {
    const asset = this.rows.get(id);
    const pending = this.#pending.get(id);
    if (asset === undefined || pending === undefined || !this.#isPending(asset)) return undefined;
    return { asset, sizeBytes: pending.sizeBytes, session: { uri: pending.uri } };
  }

  async claimCompletion(id: string, { by }: Claim): Promise<'CLAIMED' | 'TAKEN' | 'OVER'> {
    const pending = this.#pending.get(id);
    if (pending === undefined || (await this.findPending(id)) === undefined) return 'OVER';
    pending.completedBy ??= by;
    return pending.completedBy === by ? 'CLAIMED' : 'TAKEN';
  }

  async leaveCompletion(id: string, by: string): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending?.completedBy === by) pending.completedBy = undefined;
  }

  async startCancellation(ownerId: string, id: string): Promise<Unfinished | undefined> {
    const upload = await this.findPending(id);
    if (upload?.asset.ownerId !== ownerId) return undefined;
    upload.asset.state = 'DELETING';
    this.#reserved.delete(id);
    return this.#unfinished(id);
  }

  async forget(id: string): Promise<boolean> {
    this.rows.delete(id);
    this.#pending.delete(id);
    return true;
  }

  async expectObject(id: string, seconds: number): Promise<Date | undefined> {
    return (await this.findShared(id)) && new Date(Date.now() + seconds * 1000);
  }

  async objectArrived(id: string): Promise<boolean> {
    return (await this.findShared(id)) !== undefined;
  }

  async inventory({ from, limit }: { from: string; limit: number }): Promise<InventoryRow[]> {
    const rows = [...this.rows.values()].filter(({ id }) => id >= from).sort((a, b) => (a.id < b.id ? -1 : 1));
    return rows.slice(0, limit);
  }

  async check(): Promise<void> {}

  #isPending({ id, state }: MediaAsset): boolean {
    return state === 'UPLOADING' && this.#pending.has(id);
  }

  #unfinished(id: string): Unfinished {
    const pending = this.#pending.get(id);
    return { id, session: pending && { uri: pending.uri } };
  }

  #select(ownerId: string, filter: PageFilter): MediaAsset[] {
    return [...this.rows.values()].filter((asset) => asset.ownerId === ownerId && isPublic(asset) && fits(asset, filter));
  }

  #assertQuota({ id, ownerId }: MediaAsset, { reserveBytes, quotaBytes }: Reservation): void {
    const others = [...this.rows.values()].filter((asset) => asset.ownerId === ownerId && asset.id !== id);
    const held = others.reduce((sum, asset) => sum + asset.sizeBytes + (this.#reserved.get(asset.id) ?? 0), 0);
    if (quotaBytes !== undefined && held + reserveBytes > quotaBytes) throw quotaExceeded(quotaBytes);
  }
}

interface Reservation {
  readonly reserveBytes: number;
  readonly quotaBytes: number | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly isAnnounced?: boolean;
}

function isPublic({ state }: MediaAsset): boolean {
  return (mediaStatuses as readonly string[]).includes(state);
}

function compare(a: { createdAt: Date; id: string }, b: { createdAt: Date; id: string }): number {
  return a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : Number(a.id > b.id));
}

function fits(asset: MediaAsset, { kind, status, tag, search }: PageFilter): boolean {
  const texts = [asset.filename, asset.title, asset.altText].map((text) => text?.toLowerCase() ?? '');
  return (
    (kind === undefined || asset.kind === kind) &&
    (status === undefined || asset.status === status) &&
    (tag === undefined || asset.tags.includes(tag)) &&
    (search === undefined || texts.some((text) => text.includes(search.toLowerCase())))
  );
}

/** Believes the header of a PNG; everything else is broken. */
const placeholder = '3OcRJYB4d3h/iIeHeEh3eIhw+j3A';
const dominantColor = '#336699';
export const headerOnlyImages: ImageTools = {
  cutLocation: () => false,
  render: async (image, { take, signal }) => {
    await image.read(signal);
    for (const { plan, deliver } of take()) deliver(Buffer.from(JSON.stringify(plan)));
  },
  inspect: async (bytes) => {
    if (bytes.length < 24) throw new MediakeepError('INVALID_MEDIA', 'The picture is cut short.');
    return {
      width: bytes.readUInt32BE(16),
      height: bytes.readUInt32BE(20),
      animated: false,
      hasAlpha: true,
      placeholder,
      dominantColor,
    };
  },
};

const anyVideo: VideoTools = {
  probe: async () => ({ width: 320, height: 240, durationSeconds: 1.5, videoCodec: 'avc', audioCodec: null, frameRate: 25 }),
};

/** What {@link memoryLibrary} takes for a PNG of 3 x 2 pixels and `sizeBytes` bytes. */
export function pngOf(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, 7);
  Buffer.from('89504e470d0a1a0a0000000d49484452000000030000000208060000000000000049444154', 'hex').copy(bytes);
  return bytes;
}

/** What {@link memoryLibrary} takes for an MP4 of `sizeBytes` bytes. */
export function mp4Of(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, 9);
  Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex').copy(bytes);
  return bytes;
}
