import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { migrate } from '../../src/database/connection.ts';
import { createTestDatabase, query } from '../support/database.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { testSecret } from '../support/server.ts';

/** A database and a storage that outlive the processes on them. */
export interface Installation {
  readonly databaseUrl: string;
  readonly dataDir: string;
  /** What a process on it needs to be told. */
  readonly environment: Record<string, string>;
  rows(): Promise<AssetRow[]>;
  usage(): Promise<UsageRow[]>;
  /** Everything the storage holds: whole objects by key, and what is none (a draft, a grave, an empty folder), by path. */
  stored(): Promise<{ objects: Map<string, Buffer>; debris: string[] }>;
  /** Lets two hours pass, as far as unfinished business is concerned; or a day, and then also for what has been left in the storage's `tmp`. */
  age(duration: 'hours' | 'day'): Promise<void>;
  remove(): Promise<void>;
}

export interface AssetRow {
  readonly id: string;
  readonly user_id: string;
  readonly status: string;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly reserved_bytes: number;
}

export interface UsageRow {
  readonly user_id: string;
  readonly asset_count: number;
  readonly size_bytes: number;
  readonly reserved_bytes: number;
}

/** The name of the emulated bucket. */
const bucket = 'crash';

/** An empty installation with its tables, on a disk or on an emulated bucket. */
export async function createInstallation(driver: 'disk' | 'bucket'): Promise<Installation> {
  const database = await createTestDatabase();
  await migrate(database.url);
  const dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-crash-'));
  const emulator = driver === 'bucket' ? await startGcsEmulator({ buckets: [{ name: bucket }], requireAuth: false }) : undefined;
  const rowsOf = async <T>(statement: string): Promise<T[]> => (await query(database.url, statement)) as T[];
  return {
    databaseUrl: database.url,
    dataDir,
    environment: {
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      AUTH_JWT_SECRET: testSecret,
      PORT: '0',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'silent',
      // So that no process looks for a metadata server, which this machine does not have.
      METADATA_SERVER_DETECTION: 'none',
      ...(emulator && { STORAGE_DRIVER: 'gcs', GCS_BUCKET: bucket, GCS_API_ENDPOINT: emulator.url, DELIVERY: 'proxy' }),
    },
    rows: () =>
      rowsOf('select id, user_id, status, size_bytes::float8, sha256, reserved_bytes::float8 from media_assets order by id'),
    usage: () =>
      rowsOf('select user_id, asset_count, size_bytes::float8, reserved_bytes::float8 from media_usage order by user_id'),
    stored: () => (emulator === undefined ? storedOnDisk(join(dataDir, 'objects')) : storedInBucket(emulator)),
    age: async (duration) => {
      await query(database.url, `update media_assets set alive_at = alive_at - interval '2 hours'`);
      if (duration === 'day' && driver === 'disk') await ageBelow(join(dataDir, 'objects', 'tmp'));
    },
    remove: async () => {
      await emulator?.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What the totals must be, reckoned from the rows. */
export function usageOf(rows: readonly AssetRow[], users: readonly string[]): UsageRow[] {
  const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
  return users.map((user_id) => {
    const own = rows.filter((row) => row.user_id === user_id);
    const visible = own.filter(({ status }) => status === 'READY');
    return {
      user_id,
      asset_count: visible.length,
      size_bytes: sum(visible.map(({ size_bytes }) => size_bytes)),
      reserved_bytes: sum(own.map(({ reserved_bytes }) => reserved_bytes)),
    };
  });
}

/** Lower-case hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function ageBelow(folder: string): Promise<void> {
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  for (const name of await readdir(folder, { recursive: true })) await utimes(join(folder, name), yesterday, yesterday);
}

/** The layout of src/storage/disk.ts: `<2 digits>/<id>/<name>/<CRC32C>`; upload sessions are none. The probe file of a check that was cut off is no object's. */
async function storedOnDisk(root: string): Promise<{ objects: Map<string, Buffer>; debris: string[] }> {
  const objects = new Map<string, Buffer>();
  const debris: string[] = [];
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const parents = new Set(entries.map(({ parentPath }) => parentPath));
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const [shard = '', id, name, checksum, ...deeper] = relative(root, path).split('/');
    const isObject = entry.isFile() && /^[0-9a-f]{2}$/.test(shard) && checksum !== undefined && deeper.length === 0;
    if (isObject) objects.set(`${id}/${name}`, await readFile(path));
    else if (entry.isFile() ? !entry.name.startsWith('probe~') : id !== undefined && !parents.has(path))
      debris.push(relative(root, path));
  }
  return { objects, debris };
}

async function storedInBucket(emulator: GcsEmulator): Promise<{ objects: Map<string, Buffer>; debris: string[] }> {
  return { objects: new Map([...emulator.objects(bucket)].map(([key, { data }]) => [key, data()])), debris: [] };
}
