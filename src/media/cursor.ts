import { MediakeepError } from '../errors.ts';
import type { Position } from './ports.ts';

/** UUID in the form we hand out: lower case, with hyphens. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The last moment a JavaScript Date and PostgreSQL both know well enough: the end of the year 9999. */
const lastMoment = 253_402_300_799_999;

/** An opaque cursor: base64url of `<milliseconds>.<id>`. */
export function encodeCursor(position: Position): string {
  return Buffer.from(`${position.createdAt.getTime()}.${position.id}`).toString('base64url');
}

/** Where a cursor points. BAD_USER_INPUT when it is not one of ours. */
export function decodeCursor(cursor: string): Position {
  const match = /^(\d{1,15})\.(.{36})$/.exec(Buffer.from(cursor, 'base64url').toString());
  const [, milliseconds, id] = match ?? [];
  if (milliseconds === undefined || id === undefined || !uuidPattern.test(id) || Number(milliseconds) > lastMoment)
    throw notOurs();
  const position = { createdAt: new Date(Number(milliseconds)), id };
  // Node's decoder skips what is not base64url: only the one spelling we hand out is taken.
  if (encodeCursor(position) !== cursor) throw notOurs();
  return position;
}

function notOurs(): MediakeepError {
  return new MediakeepError(
    'BAD_USER_INPUT',
    'The cursor is not one of ours: take it from `endCursor` or `nextCursor` of a former answer.',
  );
}
