import { Migration } from '@mikro-orm/migrations';

/** Idempotency keys: the client's name for an upload, its own as long as the row is not being deleted. */
export class Migration20261122230100 extends Migration {
  override up(): void {
    this.addSql('alter table media_assets add column idempotency_key text null');
    this.addSql(`
      create unique index media_assets_idempotency on media_assets (user_id, idempotency_key)
      where idempotency_key is not null and status <> 'DELETING'`);
  }

  override down(): void {
    this.addSql('drop index media_assets_idempotency');
    this.addSql('alter table media_assets drop column idempotency_key');
  }
}
