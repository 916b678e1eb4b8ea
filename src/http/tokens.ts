import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { MediakeepError } from '../errors.ts';

/** A key and the only algorithms it may be used with: a public key must never pass as an HMAC secret. */
export interface PinnedKey {
  readonly key: Uint8Array | JWTVerifyGetKey;
  readonly algorithms: string[];
}

/** The key set, fetched at need: kept for an hour, asked for an unknown key at most every 30 seconds, given up after 3. */
export function remoteKeys(url: URL): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(url, { timeoutDuration: 3000, cooldownDuration: 30_000, cacheMaxAge: 3_600_000 });
  return async (header, token) => {
    try {
      return await keySet(header, token);
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      throw new MediakeepError('STORAGE_UNAVAILABLE', 'Your sign-in cannot be checked right now. Please try again in a moment.', {
        cause: error,
        retryAfterSeconds: 5,
      });
    }
  };
}

/** RFC 6750: the scheme's name is case-insensitive (RFC 9110 11.1), the token one word. */
export function bearerToken(authorization: string | undefined): string {
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization ?? '')?.[1];
  if (token !== undefined) return token;
  throw unauthenticated('Please sign in: this needs the header `Authorization: Bearer` with a valid token.');
}

/**
 * What a token says that is signed by `key`, has not expired and was made for us; `exp` and `sub` are always there. UNAUTHENTICATED otherwise, or
 * STORAGE_UNAVAILABLE when the key set does not answer.
 */
export async function verify(token: string, { key, algorithms }: PinnedKey, options: TokenRules, now: Date): Promise<JWTPayload> {
  const rules = {
    algorithms,
    requiredClaims: ['exp', 'sub'],
    clockTolerance: clockToleranceSeconds,
    currentDate: now,
    ...(options.issuer !== undefined && { issuer: options.issuer }),
    ...(options.audience !== undefined && { audience: options.audience }),
  };
  try {
    const { payload } = typeof key === 'function' ? await jwtVerify(token, key, rules) : await jwtVerify(token, key, rules);
    return payload;
  } catch (error) {
    throw error instanceof MediakeepError ? error : refusal(error);
  }
}

/** Who has to have made a token, and for whom; undefined: nobody asks. */
export interface TokenRules {
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/** UNAUTHENTICATED: a token of nobody we know. */
export function invalid(cause?: unknown): MediakeepError {
  return unauthenticated('Your token is not valid. Please sign in again.', cause);
}

/** UNAUTHENTICATED, in these words. */
export function unauthenticated(message: string, cause?: unknown): MediakeepError {
  return new MediakeepError('UNAUTHENTICATED', message, cause === undefined ? {} : { cause });
}

/** How far the clocks of issuer and server may differ, in seconds. */
const clockToleranceSeconds = 5;

function isAboutTheToken(error: unknown): boolean {
  const kinds = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
  return kinds.some((kind) => error instanceof kind);
}

/** What the user can do about it. The signature is checked before the claims, so that a forged token learns nothing. */
function refusal(error: unknown): MediakeepError {
  if (error instanceof errors.JWTExpired) return unauthenticated('Your token has expired. Please sign in again.', error);
  if (error instanceof errors.JWTClaimValidationFailed && ['iss', 'aud', 'nbf'].includes(error.claim)) {
    const problem = error.claim === 'nbf' ? 'is not valid yet' : 'was not made for this server';
    return unauthenticated(`Your token ${problem}.`, error);
  }
  return invalid(error);
}
