import { Migration } from '@mikro-orm/migrations';

/** The first tables: the assets, and what each user holds of them. */
export class Migration20261122220000 extends Migration {
  override up(): void {
    this.addSql(`
      create table media_assets (
        id uuid not null,
        user_id text not null,
        kind text not null,
        status text not null,
        filename text not null,
        storage_uri text not null,
        mime_type text not null,
        size_bytes bigint not null,
        sha256 text not null,
        width int null,
        height int null,
        title text null,
        alt_text text null,
        tags text[] not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        reserved_bytes bigint not null default 0,
        alive_at timestamptz(3) not null default now(),
        animated boolean null,
        duration double precision null,
        video_codec text null,
        audio_codec text null,
        frame_rate double precision null,
        primary key (id),
        constraint media_assets_kind_check check (kind in ('IMAGE', 'VIDEO')),
        constraint media_assets_status_check check (status in ('UPLOADING', 'PROCESSING', 'READY', 'FAILED', 'DELETING')),
        constraint media_assets_bytes_check check (size_bytes >= 0 and reserved_bytes >= 0)
      )`);
    this.addSql(`
      create index media_assets_by_time on media_assets (user_id, created_at, id) include (kind, status)
      where status in ('PROCESSING', 'READY', 'FAILED')`);
    this.addSql(`
      create index media_assets_unfinished on media_assets (alive_at)
      where status in ('UPLOADING', 'DELETING')`);
    this.addSql(`
      create table media_usage (
        user_id text not null,
        asset_count int not null,
        size_bytes bigint not null,
        reserved_bytes bigint not null,
        primary key (user_id),
        constraint media_usage_totals_check check (asset_count >= 0 and size_bytes >= 0 and reserved_bytes >= 0)
      )`);
  }

  override down(): void {
    this.addSql('drop table media_assets');
    this.addSql('drop table media_usage');
  }
}
