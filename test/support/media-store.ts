import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { type Database, migrate, openDatabase } from '../../src/database/connection.ts';
import { ImageAsset, type NewAsset, VideoAsset } from '../../src/media/media-asset.ts';
import type { Log, MediaStore } from '../../src/media/ports.ts';
import { createTestDatabase } from './database.ts';

/** A migrated database of its own, the store on it, and a way round the store to see or age its rows. */
export interface TestStore {
  readonly url: string;
  readonly store: Database['store'];
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function openTestStore(): Promise<TestStore> {
  const { url, drop } = await createTestDatabase();
  await migrate(url);
  const database = await openDatabase({ url, log: silent });
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // On a busy machine the database is dropped before the server has noticed that this connection was closed, and says so on it.
  pool.on('error', () => undefined);
  return {
    url,
    store: database.store,
    sql: async (text, values = []) => (await pool.query(text, values)).rows,
    close: async () => {
      await pool.end();
      await database.close();
      await drop();
    },
  };
}

/** For tests that look at values, not at logs. */
export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A new image of `ownerId`, not yet saved. */
export function newImage(ownerId: string, asset: Partial<NewAsset> = {}): ImageAsset {
  return ImageAsset.begin({ ...newAsset(ownerId), ...asset });
}

/** A new video of `ownerId`, not yet saved. */
export function newVideo(ownerId: string, asset: Partial<NewAsset> = {}): VideoAsset {
  return VideoAsset.begin({ ...newAsset(ownerId), mimeType: 'video/mp4', ...asset });
}

/** Saves an image of `sizeBytes` and makes it visible. */
export async function addImage(
  store: MediaStore,
  ownerId: string,
  { sizeBytes = 10, ...asset }: Partial<NewAsset> & { sizeBytes?: number } = {},
): Promise<ImageAsset> {
  const image = newImage(ownerId, asset);
  await store.begin(image, { reserveBytes: sizeBytes, quotaBytes: undefined });
  arrived(image, sizeBytes);
  await store.commit(image);
  return image;
}

/** The image's bytes are in: what is left is to commit it. */
export function arrived(image: ImageAsset, sizeBytes: number): ImageAsset {
  image.ready({ sizeBytes, sha256: 'ab'.repeat(32) }, facts, image.createdAt);
  return image;
}

const facts = {
  width: 40,
  height: 30,
  animated: false,
  hasAlpha: true,
  placeholder: '3OcRJYB4d3h/iIeHeEh3eIhw+j3A',
  dominantColor: '#336699',
};

function newAsset(ownerId: string): NewAsset {
  const id = uuidv7();
  return {
    id,
    ownerId,
    filename: 'photo.jpg',
    mimeType: 'image/jpeg',
    storageUri: `disk:${id}/original`,
    title: null,
    altText: null,
    tags: [],
    now: new Date(),
  };
}

/** Takes unfinished business; its ids. */
export async function claimIds(store: MediaStore, options: Parameters<MediaStore['claimUnfinished']>[0]): Promise<string[]> {
  return (await store.claimUnfinished(options)).map(({ id }) => id);
}
