import { MediakeepError } from '../errors.ts';

/** A failure of the file system as a client may see it: STORAGE_UNAVAILABLE in words that name no path, the failure itself as its cause. */
export function diskFailure(cause: unknown): MediakeepError {
  const sentence = hasCode(cause, 'ENOSPC', 'EDQUOT', 'EFBIG')
    ? 'The storage is full. Please try again later.'
    : 'The storage does not answer. Please try again later.';
  return new MediakeepError('STORAGE_UNAVAILABLE', sentence, { cause });
}

/** What `work` gives, or its failure as {@link diskFailure}. Only for work that does nothing but use the file system. */
export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskFailure(error);
  }
}

/** Turns a failure of the file system into {@link diskFailure}; gives anything else back as it is. */
export function asDiskFailure(error: unknown): unknown {
  const isOfTheSystem = typeof error === 'object' && error !== null && 'syscall' in error;
  return isOfTheSystem ? diskFailure(error) : error;
}

/** What `work` gives, or undefined when it fails with one of these codes of the system, such as `ENOENT`. */
export async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

/** Whether an error carries one of these codes. Its class says nothing: errors of the system are made outside the realm a test runs in. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}
