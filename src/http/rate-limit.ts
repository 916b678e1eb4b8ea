import type { FastifyRequest } from 'fastify';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { MediakeepError } from '../errors.ts';
import type { Authenticate } from '../media/ports.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Leaves a route out of the rate limit: probes, and delivery links. A page of a hundred pictures is a hundred requests, behind a CDN they
     * all come from a few addresses, and a link is already a permission that its signature proves at the cost of one HMAC.
     */
    unlimited?: true;
  }
}

/** Counts requests by a key; rejects with a RateLimiterRes when there were too many. */
export type RateLimiter = Pick<RateLimiterAbstract, 'consume'>;

/**
 * A hook that counts each request of a user, or of an address when nobody is signed in. RATE_LIMITED, with Retry-After, past `perMinute`.
 * Without a `rateLimiter`, each process counts on its own.
 */
export function limitRate(
  perMinute: number,
  { authenticate, rateLimiter }: { authenticate: Authenticate; rateLimiter?: RateLimiter | undefined },
): (request: FastifyRequest) => Promise<void> {
  const limiter = rateLimiter ?? new RateLimiterMemory({ points: perMinute, duration: 60 });
  return async (request) => {
    if (request.routeOptions.config?.unlimited) return;
    try {
      await limiter.consume(await whoAsks(request, authenticate));
    } catch (error) {
      throw error instanceof RateLimiterRes ? tooMany(perMinute, error.msBeforeNext) : error;
    }
  };
}

async function whoAsks(request: FastifyRequest, authenticate: Authenticate): Promise<string> {
  const { authorization } = request.headers;
  if (authorization === undefined) return `address:${request.ip}`;
  try {
    return `user:${await authenticate(authorization)}`;
  } catch {
    // The door says what is wrong with the token; here only the guesses are counted.
    return `address:${request.ip}`;
  }
}

function tooMany(perMinute: number, waitMs: number): MediakeepError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `Only ${perMinute} requests a minute are allowed. Please try again in ${retryAfterSeconds} seconds.`;
  return new MediakeepError('RATE_LIMITED', message, { retryAfterSeconds });
}
