import { Migration } from '@mikro-orm/migrations';

/** Direct uploads: what was announced of one that is not complete, its session on the bucket, and who is completing it, until when. */
export class Migration20261126230000 extends Migration {
  override up(): void {
    this.addSql(`
      alter table media_assets
        add column announced_bytes bigint null,
        add column session_uri text null,
        add column completed_by uuid null,
        add column completing_until timestamptz(3) null`);
    this.addSql(`
      create index media_assets_pending on media_assets (user_id)
      where announced_bytes is not null and status = 'UPLOADING'`);
  }

  override down(): void {
    this.addSql('drop index media_assets_pending');
    this.addSql(`
      alter table media_assets drop column announced_bytes, drop column session_uri, drop column completed_by,
        drop column completing_until`);
  }
}
