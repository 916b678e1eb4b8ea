import type { Pool, QueryResult } from 'pg';
import { MediakeepError } from '../errors.ts';
import { translated } from './failures.ts';

/** A statement and the values its `$1`, `$2`, ... stand for. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A row as the driver hands it over: by column names, and text for what JavaScript has no plain type for. */
export type Row = Readonly<Record<string, unknown>>;

/** Values on their way into a statement, never into its text. */
export class Values {
  readonly all: unknown[] = [];

  /** Takes a value; answers how the text refers to it: `$1`. */
  bind(value: unknown): string {
    return `$${this.all.push(value)}`;
  }
}

/**
 * Runs statements on the pool, each in one round trip, prepared once on each connection: planning costs more than most of them do.
 * (A PgBouncer in front in transaction mode needs its `max_prepared_statements`.)
 */
export class Statements {
  readonly #pool: Pool;
  /** As many as there are shapes of a statement, because values are not part of the text. */
  readonly #names = new Map<string, string>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * STORAGE_UNAVAILABLE when the database does not answer within the limits of connection.ts, OVERLOADED (with Retry-After) when too many
   * statements wait for a connection already; other failures as they come.
   */
  async run({ text, values }: Statement): Promise<QueryResult<Row>> {
    if (this.#pool.waitingCount >= mostWaiting) throw overloaded();
    try {
      return await this.#pool.query({ name: this.#nameOf(text), text, values: [...values] });
    } catch (error) {
      throw translated(error);
    }
  }

  #nameOf(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = `mediakeep_${this.#names.size + 1}`;
    this.#names.set(text, name);
    return name;
  }
}

/** Statements that may wait for a connection: what a pool of ten serves in a fraction of a second. More would only wait to be given up. */
const mostWaiting = 1000;

function overloaded(): MediakeepError {
  return new MediakeepError('OVERLOADED', 'Too many requests are waiting for the database. Please try again in a moment.', {
    retryAfterSeconds: 2,
  });
}
