import { benchUser, query } from './stage.ts';

/** Fills the floor's table with rows, all of the user who will ask: the worst case for whoever sorts or counts. */
export async function seedFloor(databaseUrl: string, rows: number): Promise<void> {
  await query(
    databaseUrl,
    `insert into media (id, kind, filename, mime_type, size, sha256, crc32c, width, height, title, alt_text, tags, owner_id, created_at, updated_at)
     select id, kind, filename, mime_type, size_bytes, sha256, n, width, height, title, alt_text, tags, '${benchUser}', at, at from ${seeds(rows)};
     analyze media`,
  );
}

/** Fills our tables with the same rows, and the usage that is kept beside them. */
export async function seedOurs(databaseUrl: string, rows: number): Promise<void> {
  await query(
    databaseUrl,
    `insert into media_assets (id, user_id, kind, status, filename, storage_uri, mime_type, size_bytes, sha256, width, height, title, alt_text,
       tags, created_at, updated_at, animated)
     select id, '${benchUser}', kind, 'READY', filename, 'disk:' || id || '/original', mime_type, size_bytes, sha256, width, height, title,
       alt_text, tags, at, at, case kind when 'IMAGE' then false end from ${seeds(rows)};
     insert into media_usage (user_id, asset_count, size_bytes, reserved_bytes)
     select user_id, count(*), sum(size_bytes), 0 from media_assets group by user_id;
     analyze`,
  );
}

/** One video in ten, one moment each. */
function seeds(rows: number): string {
  return `(select n, gen_random_uuid() as id, case n % 10 when 0 then 'VIDEO' else 'IMAGE' end as kind,
    'IMG_' || n || case n % 10 when 0 then '.mp4' else '.jpg' end as filename,
    case n % 10 when 0 then 'video/mp4' else 'image/jpeg' end as mime_type, 100000 + n as size_bytes,
    encode(sha256(n::text::bytea), 'hex') as sha256, 4000 as width, 3000 as height, 'Title ' || n as title,
    'A photo of a place, number ' || n as alt_text, array['holiday', 'year-' || n % 20] as tags,
    timestamptz '2026-01-01' + n * interval '1 minute' as at
    from generate_series(1, ${rows}) n) as seed`;
}
