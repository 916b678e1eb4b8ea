import type { MediaAsset } from '../media/media-asset.ts';
import type { AssetChange, MediaStore } from '../media/ports.ts';
import { isPublic, isUnfinished } from './mapping.ts';
import type { AssetRows } from './rows.ts';
import { type Statement, Values } from './statements.ts';

/*
 * The statements that move an asset through its life. Each is one statement, so one transaction and one round trip. PostgreSQL's default
 * isolation (read committed) makes them exact: what they change they lock first, with `for update`, which waits and then answers the newest
 * version of a row, and they reckon with that version. (Reckoning with the row under update itself would fail the checks of the table now
 * and then: PostgreSQL tries them on the version of its snapshot before it notices that there is a newer one.)
 * So that none can deadlock, they lock an asset before its owner's row in `media_usage`, several of those in the order of their keys, and
 * write to an asset only when all is `locked`: `begin`, which holds the owner's row first, waits for writes under its unique keys, not for locks.
 */

/** What an upload may come to hold: bytes in all, and the owner's quota if there is one. */
export type Reservation = Parameters<MediaStore['begin']>[1];
/** How to take unfinished business. */
export type Claim = Parameters<MediaStore['claimUnfinished']>[0];

interface Update {
  readonly ownerId: string;
  readonly id: string;
  readonly change: AssetChange;
  readonly now: Date;
}

/** Saves a new row and its reservation; affects no row when the quota is too small, and breaks `media_assets_idempotency` when the key is taken. */
export function begin(rows: AssetRows, asset: MediaAsset, reservation: Reservation): Statement {
  const { reserveBytes, quotaBytes, idempotencyKey, isAnnounced = false } = reservation;
  const values = new Values();
  const owner = values.bind(asset.ownerId);
  const reserve = `${values.bind(reserveBytes)}::bigint`;
  const quota = `${values.bind(quotaBytes ?? null)}::bigint`;
  const key = `${values.bind(idempotencyKey ?? null)}::text`;
  const announced = `${values.bind(isAnnounced)}::boolean`;
  const text = `
    with room as (
      insert into media_usage as held (user_id, asset_count, size_bytes, reserved_bytes)
      select ${owner}::text, 0, 0, ${reserve} where ${quota} is null or ${reserve} <= ${quota}
      on conflict (user_id) do update set reserved_bytes = held.reserved_bytes + excluded.reserved_bytes
      where ${quota} is null or held.size_bytes + held.reserved_bytes + excluded.reserved_bytes <= ${quota}
      returning 1
    )
    insert into media_assets (${rows.columns}, reserved_bytes, alive_at, idempotency_key, announced_bytes)
    select ${rows.bindAll(asset, values)}, ${reserve}, now(), ${key}, case when ${announced} then ${reserve} end
    from room`;
  return { text, values: values.all };
}

/** Answers one row: whether the upload is `running`, and whether there was `room`. */
export function reserve(id: string, { reserveBytes, quotaBytes }: Reservation): Statement {
  return { text: reserveText, values: [id, reserveBytes, quotaBytes ?? null] };
}

const reserveText = `
  with running as (
    select user_id, reserved_bytes, greatest($2::bigint - reserved_bytes, 0) as more from media_assets
    where id = $1 and status = 'UPLOADING' for update
  ), held as (
    select * from media_usage where user_id = (select user_id from running) for update
  ), room as (
    update media_usage set reserved_bytes = held.reserved_bytes + more from held, running
    where media_usage.user_id = held.user_id
      and ($3::bigint is null or held.size_bytes + held.reserved_bytes + more <= $3::bigint)
    returning 1
  ), raised as (
    update media_assets set reserved_bytes = running.reserved_bytes + more, alive_at = now() from running, room where id = $1
  )
  select exists (select from running) as running, exists (select from room) as room`;

/** A sign of life. That of a direct upload whose session is open lies ahead, where it ends. */
export function touch(id: string): Statement {
  return {
    text: `update media_assets set alive_at = greatest(alive_at, now()) where id = $1 and status = 'UPLOADING'`,
    values: [id],
  };
}

/** Makes the asset visible and turns its reservation into usage; answers one row, or none when it was no longer `UPLOADING`. */
export function commit(rows: AssetRows, asset: MediaAsset): Statement {
  const values = new Values();
  const id = `${values.bind(asset.id)}::uuid`;
  const text = `
    with arrived as (
      select user_id, reserved_bytes from media_assets where id = ${id} and status = 'UPLOADING' for update
    ), held as (
      select * from media_usage where user_id = (select user_id from arrived) for update
    ), locked as (select from held), saved as (
      update media_assets
      set ${rows.bindChanges(asset, values)}, reserved_bytes = 0, alive_at = now(), announced_bytes = null, session_uri = null,
        completed_by = null, completing_until = null
      from arrived, locked where id = ${id} returning size_bytes
    ), counted as (
      update media_usage
      set asset_count = held.asset_count + 1, size_bytes = held.size_bytes + saved.size_bytes,
        reserved_bytes = held.reserved_bytes - arrived.reserved_bytes
      from held, arrived, saved where media_usage.user_id = held.user_id
    )
    select 1 from saved`;
  return { text, values: values.all };
}

/** Affects one row when the upload was running and is now given up. */
export function abandon(id: string): Statement {
  return { text: abandonText, values: [id] };
}

const abandonText = `
  with running as (
    select user_id, reserved_bytes from media_assets where id = $1 and status = 'UPLOADING' for update
  ), held as (
    select * from media_usage where user_id = (select user_id from running) for update
  ), freed as (
    update media_usage set reserved_bytes = held.reserved_bytes - running.reserved_bytes from held, running
    where media_usage.user_id = held.user_id
  ), locked as (select from held)
  update media_assets set status = 'DELETING', reserved_bytes = 0, alive_at = now() from running, locked where id = $1`;

/** Answers the changed row, when it is visible. */
export function update(columns: string, { ownerId, id, change, now }: Update): Statement {
  const values = new Values();
  const conditions = `id = ${values.bind(id)} and user_id = ${values.bind(ownerId)} and ${isPublic}`;
  const assignments = [`updated_at = ${values.bind(now)}`];
  if (change.title !== undefined) assignments.push(`title = ${values.bind(change.title)}`);
  if (change.altText !== undefined) assignments.push(`alt_text = ${values.bind(change.altText)}`);
  if (change.tags !== undefined) assignments.push(`tags = ${values.bind(change.tags)}`);
  if (change.focus !== undefined) {
    assignments.push(`focus_x = ${values.bind(change.focus?.x ?? null)}`, `focus_y = ${values.bind(change.focus?.y ?? null)}`);
  }
  return {
    text: `update media_assets set ${assignments.join(', ')} where ${conditions} returning ${columns}`,
    values: values.all,
  };
}

/** Answers the row when it was visible and now is not any more. */
export function startDeletion(columns: string, ownerId: string, id: string): Statement {
  const text = `
    with visible as (
      select user_id as holder, size_bytes as bytes from media_assets where id = $1 and user_id = $2 and ${isPublic} for update
    ), held as (
      select * from media_usage where user_id = (select holder from visible) for update
    ), freed as (
      update media_usage set asset_count = held.asset_count - 1, size_bytes = held.size_bytes - visible.bytes from held, visible
      where media_usage.user_id = held.user_id
    ), locked as (select from held)
    update media_assets set status = 'DELETING', alive_at = greatest(alive_at, now()) from visible, locked where id = $1 returning ${columns}`;
  return { text, values: [id, ownerId] };
}

/** Answers what was taken, oldest first. */
export function claimUnfinished({ graceSeconds, leaseSeconds, limit }: Claim): Statement {
  return { text: claimText, values: [graceSeconds, leaseSeconds, limit] };
}

const claimText = `
  with taken as (
    select id, user_id, reserved_bytes, alive_at, announced_bytes, session_uri from media_assets
    where ${isUnfinished}
      and alive_at < now() - make_interval(secs => case status when 'UPLOADING' then $1::float8 else $2::float8 end)
    order by alive_at limit $3 for update skip locked
  ), reserved as (
    select user_id, sum(reserved_bytes) as bytes from taken where reserved_bytes > 0 group by user_id
  ), held as (
    select * from media_usage where user_id in (select user_id from reserved) order by user_id for update
  ), freed as (
    update media_usage set reserved_bytes = held.reserved_bytes - reserved.bytes from held join reserved using (user_id)
    where media_usage.user_id = held.user_id
  ), locked as (select count(*) from held), claimed as (
    update media_assets set status = 'DELETING', reserved_bytes = 0, alive_at = now() from taken, locked where media_assets.id = taken.id
  )
  select id, announced_bytes, session_uri from taken order by alive_at`;

/** The end of a row whose bytes are gone; answers one row: whether it was `kept`, because an object is still expected. */
export function forget(id: string): Statement {
  return { text: forgetText, values: [id] };
}

/** Times are rounded to milliseconds, so that what has just been written may lie a little ahead. */
const isExpecting = `alive_at > now() + interval '1 second'`;

const forgetText = `
  with forgotten as (
    delete from media_assets where id = $1 and status = 'DELETING' and not (${isExpecting})
  )
  select exists (select from media_assets where id = $1 and status = 'DELETING' and ${isExpecting}) as kept`;

/** Says until when an object may be added to a visible asset; answers that moment as `until`. */
export function expectObject(id: string, seconds: number): Statement {
  const text = `
    update media_assets set alive_at = greatest(alive_at, now() + make_interval(secs => $2::float8))
    where id = $1 and ${isPublic} returning alive_at as until`;
  return { text, values: [id, seconds] };
}

/** Takes that back; answers one row: whether the asset is `visible`. */
export function objectArrived(id: string, until: Date): Statement {
  const text = `
    update media_assets set alive_at = case when alive_at = $2::timestamptz then now() else alive_at end
    where id = $1 returning ${isPublic} as visible`;
  return { text, values: [id, until] };
}
