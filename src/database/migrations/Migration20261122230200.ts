import { Migration } from '@mikro-orm/migrations';

/** What RATE_LIMIT_STORE=postgres counts in. Unlogged: a crash may forget a minute's counts, and each request writes one row less to the log. */
export class Migration20261122230200 extends Migration {
  override up(): void {
    // The columns and their order are those of rate-limiter-flexible.
    this.addSql(
      'create unlogged table rate_limits (key text not null, points int not null, expire bigint null, primary key (key))',
    );
  }

  override down(): void {
    this.addSql('drop table rate_limits');
  }
}
