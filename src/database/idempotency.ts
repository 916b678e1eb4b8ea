import type { MediaStore } from '../media/ports.ts';
import { isPublic } from './mapping.ts';
import type { Statement } from './statements.ts';

/** How long a key lasts, and an upload may be silent. */
export type KeyLimits = Parameters<MediaStore['findByKey']>[2];

/** Frees a key whose time is over, and gives up an upload with it that has been silent for too long; the sweep removes what it left. */
export function release(ownerId: string, key: string, { lifeSeconds, silenceSeconds }: KeyLimits): Statement {
  return { text: releaseText, values: [ownerId, key, lifeSeconds, silenceSeconds] };
}

const releaseText = `
  with silent as (
    select id, user_id, reserved_bytes from media_assets
    where user_id = $1 and idempotency_key = $2 and status = 'UPLOADING' and alive_at < now() - make_interval(secs => $4::float8)
    for update
  ), held as (
    select * from media_usage where user_id = (select user_id from silent) for update
  ), freed as (
    update media_usage set reserved_bytes = held.reserved_bytes - silent.reserved_bytes from held, silent
    where media_usage.user_id = held.user_id
  ), locked as (select from held), given_up as (
    update media_assets set status = 'DELETING', reserved_bytes = 0, alive_at = now() from silent, locked where media_assets.id = silent.id
  )
  update media_assets set idempotency_key = null
  where user_id = $1 and idempotency_key = $2 and ${isPublic} and created_at < now() - make_interval(secs => $3::float8)`;

/** Answers the row that has the key, and its status. */
export function findByKey(columns: string, ownerId: string, key: string): Statement {
  return {
    text: `select ${columns} from media_assets where user_id = $1 and idempotency_key = $2 and status <> 'DELETING'`,
    values: [ownerId, key],
  };
}

/** Whether a failed statement found the key taken (SQLSTATE 23505, unique_violation). */
export function isKeyTaken(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === '23505' && constraint === 'media_assets_idempotency';
}
