import { type AssetState, type MediaAsset, mediaStatuses } from '../media/media-asset.ts';
import { keyInUse, quotaExceeded } from '../media/policy.ts';
import type {
  AssetChange,
  Claim,
  InventoryRow,
  MediaStore,
  PageFilter,
  PageQuery,
  PendingUpload,
  Unfinished,
  Usage,
} from '../media/ports.ts';
import * as direct from './direct.ts';
import { databaseUnavailable } from './failures.ts';
import * as idempotency from './idempotency.ts';
import * as lifecycle from './lifecycle.ts';
import * as lists from './lists.ts';
import type { AssetRows } from './rows.ts';
import type { Statement, Statements } from './statements.ts';
import { Together } from './together.ts';

/** The rows in PostgreSQL. Every method is one statement, so it holds a connection for as long as that takes; `abandon` and `findByKey` alone may need two. */
export class PostgresMediaStore implements MediaStore {
  readonly #statements: Statements;
  readonly #rows: AssetRows;
  readonly #shared: Together<MediaAsset>;

  constructor(statements: Statements, rows: AssetRows) {
    this.#statements = statements;
    this.#rows = rows;
    this.#shared = new Together((ids) => this.#allShared(ids));
  }

  async begin(asset: MediaAsset, reservation: lifecycle.Reservation): Promise<void> {
    try {
      const { rowCount } = await this.#statements.run(lifecycle.begin(this.#rows, asset, reservation));
      assertRoom(rowCount !== 0, reservation);
    } catch (error) {
      throw idempotency.isKeyTaken(error) ? keyInUse() : error;
    }
  }

  async findByKey(ownerId: string, key: string, limits: idempotency.KeyLimits): Promise<MediaAsset | 'RUNNING' | undefined> {
    await this.#statements.run(idempotency.release(ownerId, key, limits));
    const asset = await this.#one(idempotency.findByKey(this.#rows.columns, ownerId, key));
    return asset?.state === 'UPLOADING' ? 'RUNNING' : asset;
  }

  async reserve(id: string, reservation: lifecycle.Reservation): Promise<boolean> {
    const { rows } = await this.#statements.run(lifecycle.reserve(id, reservation));
    if (rows[0]?.running !== true) return false;
    assertRoom(rows[0].room === true, reservation);
    return true;
  }

  async touch(id: string): Promise<boolean> {
    const { rowCount } = await this.#statements.run(lifecycle.touch(id));
    return rowCount === 1;
  }

  async commit(asset: MediaAsset): Promise<boolean> {
    const { rowCount } = await this.#statements.run(lifecycle.commit(this.#rows, asset));
    return rowCount === 1;
  }

  async abandon(id: string): Promise<boolean> {
    const { rowCount } = await this.#statements.run(lifecycle.abandon(id));
    if (rowCount === 1) return true;
    // Asked only now: a commit may have won while the statement above waited for the row.
    const { rows } = await this.#statements.run({ text: 'select status from media_assets where id = $1', values: [id] });
    return !mediaStatuses.some((status) => status === rows[0]?.status);
  }

  async find(ownerId: string, id: string): Promise<MediaAsset | undefined> {
    return await this.#one(lists.find(this.#rows.columns, ownerId, id));
  }

  async findShared(id: string): Promise<MediaAsset | undefined> {
    return await this.#shared.get(id);
  }

  async page(query: PageQuery): Promise<MediaAsset[]> {
    const { rows } = await this.#statements.run(lists.page(this.#rows.columns, query));
    return rows.slice(0, query.first + 1).map((row) => this.#rows.read(row));
  }

  async count(ownerId: string, filter: PageFilter): Promise<number> {
    const { rows } = await this.#statements.run(lists.count(ownerId, filter));
    return Number(rows[0]?.count);
  }

  async usage(ownerId: string): Promise<Usage> {
    const { rows } = await this.#statements.run(lists.usage(ownerId));
    return { count: Number(rows[0]?.asset_count ?? 0), sizeBytes: Number(rows[0]?.size_bytes ?? 0) };
  }

  async update(ownerId: string, id: string, change: AssetChange, now: Date): Promise<MediaAsset | undefined> {
    return await this.#one(lifecycle.update(this.#rows.columns, { ownerId, id, change, now }));
  }

  async startDeletion(ownerId: string, id: string): Promise<MediaAsset | undefined> {
    return await this.#one(lifecycle.startDeletion(this.#rows.columns, ownerId, id));
  }

  async claimUnfinished(options: lifecycle.Claim): Promise<Unfinished[]> {
    const { rows } = await this.#statements.run(lifecycle.claimUnfinished(options));
    return rows.map(direct.toUnfinished);
  }

  async countPending(ownerId: string): Promise<number> {
    const { rows } = await this.#statements.run(direct.countPending(ownerId));
    return Number(rows[0]?.count);
  }

  async keepSession(id: string, session: Parameters<MediaStore['keepSession']>[1]): Promise<boolean> {
    const { rowCount } = await this.#statements.run(direct.keepSession(id, session));
    return rowCount === 1;
  }

  async findPending(id: string): Promise<PendingUpload | undefined> {
    const { rows } = await this.#statements.run(direct.findPending(this.#rows.columns, id));
    const [row] = rows;
    return row && { asset: this.#rows.read(row), sizeBytes: Number(row.announced_bytes), session: direct.sessionOf(row) };
  }

  async claimCompletion(id: string, claim: Claim): Promise<'CLAIMED' | 'TAKEN' | 'OVER'> {
    const { rows } = await this.#statements.run(direct.claimCompletion(id, claim));
    if (rows[0]?.claimed === true) return 'CLAIMED';
    return rows[0]?.pending === true ? 'TAKEN' : 'OVER';
  }

  async leaveCompletion(id: string, by: string): Promise<void> {
    await this.#statements.run(direct.leaveCompletion(id, by));
  }

  async startCancellation(ownerId: string, id: string): Promise<Unfinished | undefined> {
    const { rows } = await this.#statements.run(direct.startCancellation(ownerId, id));
    return rows[0] && direct.toUnfinished(rows[0]);
  }

  async forget(id: string): Promise<boolean> {
    const { rows } = await this.#statements.run(lifecycle.forget(id));
    return rows[0]?.kept !== true;
  }

  async expectObject(id: string, seconds: number): Promise<Date | undefined> {
    const { rows } = await this.#statements.run(lifecycle.expectObject(id, seconds));
    return rows[0] && new Date(String(rows[0].until));
  }

  async objectArrived(id: string, until: Date): Promise<boolean> {
    const { rows } = await this.#statements.run(lifecycle.objectArrived(id, until));
    return rows[0]?.visible === true;
  }

  async inventory({ from, limit }: { from: string; limit: number }): Promise<InventoryRow[]> {
    const { rows } = await this.#statements.run(lists.inventory(from, limit));
    return rows.map(({ id, status, size_bytes }) => ({
      id: String(id),
      state: String(status) as AssetState,
      sizeBytes: Number(size_bytes),
    }));
  }

  async check(signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(checkPatienceMs)]);
    await Promise.race([this.#statements.run(noChange), endOf(patience)]);
  }

  async #allShared(ids: readonly string[]): Promise<ReadonlyMap<string, MediaAsset>> {
    const { rows } = await this.#statements.run(lists.findShared(this.#rows.columns, ids));
    const assets = rows.map((row) => this.#rows.read(row));
    return new Map(assets.map((asset) => [asset.id, asset]));
  }

  async #one(statement: Statement): Promise<MediaAsset | undefined> {
    const { rows } = await this.#statements.run(statement);
    return rows[0] && this.#rows.read(rows[0]);
  }
}

/**
 * Changes nothing, and yet a standby refuses it, and one that was left behind by a fail-over: a database that only reads is of no use to an
 * upload. (The pool ends a connection on which a statement failed, so that asking leads back to the primary.)
 */
const noChange: Statement = { text: 'update media_usage set asset_count = asset_count where false', values: [] };

/** A database that needs longer for this is of no use to a user either, in milliseconds. */
const checkPatienceMs = 2_000;

function assertRoom(room: boolean, { quotaBytes }: lifecycle.Reservation): void {
  if (!room && quotaBytes !== undefined) throw quotaExceeded(quotaBytes);
}

function endOf(patience: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => reject(databaseUnavailable(patience.reason));
    if (patience.aborted) giveUp();
    else patience.addEventListener('abort', giveUp, { once: true });
  });
}
