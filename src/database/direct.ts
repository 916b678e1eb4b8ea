import type { Claim, Unfinished, UploadSession } from '../media/ports.ts';
import { isPending } from './mapping.ts';
import type { Row, Statement } from './statements.ts';

/*
 * The statements of direct uploads, whose bytes a client sends by itself. Between their beginning and their end lie hours, several processes and
 * perhaps several attempts to complete them; beginning, commit and abandonment are those of every upload (lifecycle.ts).
 */

/** How many direct uploads of a user are not complete. */
export function countPending(ownerId: string): Statement {
  return { text: `select count(*) as count from media_assets where user_id = $1 and ${isPending}`, values: [ownerId] };
}

/** Affects one row when the upload is pending. */
export function keepSession(id: string, { uri, until }: UploadSession & { readonly until: Date }): Statement {
  return {
    text: `update media_assets set session_uri = $2, alive_at = greatest(alive_at, $3::timestamptz) where id = $1 and ${isPending}`,
    values: [id, uri ?? null, until],
  };
}

/** Answers the row, its `announced_bytes` and its `session_uri`. */
export function findPending(columns: string, id: string): Statement {
  return {
    text: `select ${columns}, announced_bytes, session_uri from media_assets where id = $1 and ${isPending}`,
    values: [id],
  };
}

/** Answers one row: whether the upload is `pending`, and whether it is `claimed` by this completer now, for the first time or again. */
export function claimCompletion(id: string, { by, seconds }: Claim): Statement {
  return { text: claimText, values: [id, by, seconds] };
}

const claimText = `
  with claimed as (
    update media_assets
    set completed_by = $2::uuid, completing_until = now() + make_interval(secs => $3::float8), alive_at = greatest(alive_at, now())
    where id = $1 and ${isPending} and (completed_by is null or completed_by = $2::uuid or completing_until < now())
    returning 1
  )
  select exists (select from claimed) as claimed, exists (select from media_assets where id = $1 and ${isPending}) as pending`;

/** Ends a claim; of an upload that was cancelled meanwhile, the bytes can be removed from now on. */
export function leaveCompletion(id: string, by: string): Statement {
  return { text: leaveText, values: [id, by] };
}

const leaveText = `
  update media_assets
  set completed_by = null, completing_until = null, alive_at = case when status = 'DELETING' then least(alive_at, now()) else alive_at end
  where id = $1 and completed_by = $2`;

/** Answers the row when it was a pending upload of this user and now is not any more. While somebody completes it, an object may still be on its way. */
export function startCancellation(ownerId: string, id: string): Statement {
  return { text: cancelText, values: [id, ownerId] };
}

const cancelText = `
  with pending as (
    select user_id, reserved_bytes from media_assets where id = $1 and user_id = $2 and ${isPending} for update
  ), held as (
    select * from media_usage where user_id = (select user_id from pending) for update
  ), freed as (
    update media_usage set reserved_bytes = held.reserved_bytes - pending.reserved_bytes from held, pending
    where media_usage.user_id = held.user_id
  ), locked as (select from held)
  update media_assets set status = 'DELETING', reserved_bytes = 0, alive_at = greatest(now(), completing_until)
  from pending, locked where id = $1 returning id, announced_bytes, session_uri`;

/** What has to be taken away, out of a row with `id`, `announced_bytes` and `session_uri`. */
export function toUnfinished(row: Row): Unfinished {
  return { id: String(row.id), session: row.announced_bytes === null ? undefined : sessionOf(row) };
}

/** The session of a direct upload, out of its row. */
export function sessionOf({ session_uri: uri }: Row): UploadSession {
  return { uri: uri === null ? undefined : String(uri) };
}
