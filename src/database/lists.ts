import type { PageFilter, PageQuery } from '../media/ports.ts';
import { isPublic } from './mapping.ts';
import { type Statement, Values } from './statements.ts';

/** A user's asset. */
export function find(columns: string, ownerId: string, id: string): Statement {
  return { text: `select ${columns} from media_assets where id = $1 and user_id = $2 and ${isPublic}`, values: [id, ownerId] };
}

/** Assets, whoever owns them. */
export function findShared(columns: string, ids: readonly string[]): Statement {
  return { text: `select ${columns} from media_assets where id = any($1::uuid[]) and ${isPublic}`, values: [ids] };
}

/** What a user holds. */
export function usage(ownerId: string): Statement {
  return { text: 'select asset_count, size_bytes from media_usage where user_id = $1', values: [ownerId] };
}

/**
 * A page, newest first: more rows than `first` when there are more. By keyset: it starts at a place in `media_assets_by_time`, however
 * many rows come before it.
 */
export function page(columns: string, { ownerId, first, after, filter }: PageQuery): Statement {
  const values = new Values();
  const conditions = filterConditions(ownerId, filter, values);
  if (after !== undefined)
    conditions.push(`(created_at, id) < (${values.bind(after.createdAt)}::timestamptz, ${values.bind(after.id)}::uuid)`);
  const limit = steps.find((step) => step > first) ?? first + 1;
  const text = `select ${columns} from media_assets where ${conditions.join(' and ')} order by created_at desc, id desc limit ${limit}`;
  return { text, values: values.all };
}

/** How many assets a filter fits. */
export function count(ownerId: string, filter: PageFilter): Statement {
  const values = new Values();
  const conditions = filterConditions(ownerId, filter, values);
  return { text: `select count(*) as count from media_assets where ${conditions.join(' and ')}`, values: values.all };
}

/** Rows in any state, along the primary key. */
export function inventory(from: string, limit: number): Statement {
  return { text: 'select id, status, size_bytes from media_assets where id >= $1 order by id limit $2', values: [from, limit] };
}

/**
 * Limits stand in the text, because PostgreSQL keeps its plan only when it knows the limit (planning took half of a page's time), and come in
 * steps, because each text is prepared on each connection. One row past what clients commonly ask for, and past the most they may.
 */
const steps: readonly number[] = [11, 21, 51, 101];

function filterConditions(ownerId: string, { kind, status, tag, search }: PageFilter, values: Values): string[] {
  const conditions = [`user_id = ${values.bind(ownerId)}`, isPublic];
  if (kind !== undefined) conditions.push(`kind = ${values.bind(kind)}`);
  if (status !== undefined) conditions.push(`status = ${values.bind(status)}`);
  if (tag !== undefined) conditions.push(`${values.bind(tag)} = any(tags)`);
  if (search !== undefined) {
    const pattern = values.bind(containing(search));
    conditions.push(`(filename ilike ${pattern} or title ilike ${pattern} or alt_text ilike ${pattern})`);
  }
  return conditions;
}

/** A LIKE pattern in which the text's own `%`, `_` and `\` mean themselves. */
function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
