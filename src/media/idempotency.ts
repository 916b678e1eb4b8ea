import type { Readable } from 'node:stream';
import { MediakeepError } from '../errors.ts';
import { holdsExactly } from './intake.ts';
import type { MediaAsset, MediaKind } from './media-asset.ts';
import { keyInUse } from './policy.ts';

/**
 * How long a key is remembered, in seconds, as long as its asset is there; and how long the upload that has it may be silent before somebody
 * who asks again takes over, because the process that received it must have died. (A running upload gives a sign of life three times as often.)
 */
export const keyLimits = { lifeSeconds: 24 * 3600, silenceSeconds: 30 } as const;

/**
 * The key of an upload, out of its request's header `Idempotency-Key`: 1 to 255 visible ASCII characters, compared letter by letter. BAD_USER_INPUT.
 * A GraphQL request may hold several uploads, each one of its own: `index` counts them from 0. No client's own key has a space in it.
 */
export function uploadKey(header: unknown, index = 0): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw new MediakeepError('BAD_USER_INPUT', 'The header `Idempotency-Key` must have 1 to 255 visible ASCII characters.');
  }
  return index === 0 ? header : `${header} ${index}`;
}

/**
 * The asset that an upload with the same key made, after reading enough of `source` to know that it brings the same bytes for the same operation.
 * IDEMPOTENCY_CONFLICT when it does not (the source is then destroyed), and, with Retry-After, while the first upload runs.
 */
export async function answerAgain(
  former: MediaAsset | 'RUNNING',
  { kind, source }: { kind: MediaKind; source: Readable },
): Promise<MediaAsset> {
  if (former !== 'RUNNING' && former.kind === kind && (await holdsExactly(source, former))) return former;
  source.destroy();
  if (former === 'RUNNING') throw keyInUse();
  throw new MediakeepError(
    'IDEMPOTENCY_CONFLICT',
    'This idempotency key belongs to another upload of yours. Send a new key with a new file.',
  );
}
