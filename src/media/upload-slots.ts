import { MediakeepError } from '../errors.ts';
import type { Limits } from './policy.ts';

/** Bounds how many uploads are under way in this process, in all and of one user, so that nobody can take the memory, files and sockets of everybody. */
export class UploadSlots {
  readonly #limits: Pick<Limits, 'maxUploadsPerUser' | 'maxUploadsPerProcess'>;
  readonly #ofUser = new Map<string, number>();
  #inAll = 0;

  constructor(limits: Pick<Limits, 'maxUploadsPerUser' | 'maxUploadsPerProcess'>) {
    this.#limits = limits;
  }

  /** Takes a place; the function it returns gives it back, once. RATE_LIMITED or OVERLOADED, both with Retry-After, when there is none. */
  enter(ownerId: string): () => void {
    const { maxUploadsPerUser, maxUploadsPerProcess } = this.#limits;
    const ofUser = this.#ofUser.get(ownerId) ?? 0;
    if (ofUser >= maxUploadsPerUser) throw tooManyOfYours(maxUploadsPerUser);
    if (this.#inAll >= maxUploadsPerProcess) throw tooManyInAll();
    this.#inAll += 1;
    this.#ofUser.set(ownerId, ofUser + 1);
    return () => this.#leave(ownerId);
  }

  #leave(ownerId: string): void {
    this.#inAll -= 1;
    const left = (this.#ofUser.get(ownerId) ?? 1) - 1;
    if (left === 0) this.#ofUser.delete(ownerId);
    else this.#ofUser.set(ownerId, left);
  }
}

/** When to try again, in seconds: most uploads take less. */
const retryAfterSeconds = 5;

function tooManyOfYours(limit: number): MediakeepError {
  const message = `You have ${limit} uploads under way, as many as are allowed at once. Please wait until one has ended.`;
  return new MediakeepError('RATE_LIMITED', message, { retryAfterSeconds });
}

function tooManyInAll(): MediakeepError {
  return new MediakeepError('OVERLOADED', 'Too many uploads are under way. Please try again in a moment.', { retryAfterSeconds });
}
