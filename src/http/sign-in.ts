import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from 'jose';
import { MediakeepError } from '../errors.ts';
import type { Authenticate, Clock } from '../media/ports.ts';
import { KnownTokens } from './known-tokens.ts';

export interface SignInOptions {
  /** HS256 secret, 32 bytes or more. */
  readonly secret?: Uint8Array | undefined;
  /** Where the public keys for RS256, ES256 and EdDSA are. */
  readonly jwksUrl?: URL | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  readonly clock?: Clock;
}

/**
 * Who is asking, by `Authorization: Bearer <JWT>`: the `sub` of a token that is signed by one of our keys, has not expired and is meant for us.
 * UNAUTHENTICATED otherwise; STORAGE_UNAVAILABLE when the key set does not answer, because then nobody knows. A token is verified once a minute.
 */
export function createSignIn(options: SignInOptions): Authenticate {
  const clock = options.clock ?? (() => new Date());
  const keyFor = keyPicker(options);
  const known = new KnownTokens();
  return async (authorization) => {
    const token = bearerToken(authorization);
    const now = clock();
    const userId = known.userOf(token, now);
    if (userId !== undefined) return userId;
    const payload = await verify(token, keyFor(token), options, now);
    const subject = subjectOf(payload);
    known.add(token, { userId: subject, expiresAtMs: (payload.exp ?? 0) * 1000 }, now);
    return subject;
  };
}

/** A token for trying things out, signed with the HS256 secret; `claims` are needed where the server asks for an issuer or an audience. */
export function issueDevelopmentToken(
  secret: Uint8Array,
  userId: string,
  ttlSeconds: number,
  claims: { issuer?: string | undefined; audience?: string | undefined } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT().setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setSubject(userId);
  if (claims.issuer !== undefined) token.setIssuer(claims.issuer);
  if (claims.audience !== undefined) token.setAudience(claims.audience);
  return token
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(secret);
}

/** Most characters of a user id. */
const maxSubjectLength = 255;

/** How far the clocks of issuer and server may differ, in seconds. */
const clockToleranceSeconds = 5;

/** A key and the only algorithms it may be used with: a public key must never pass as an HMAC secret. */
interface PinnedKey {
  readonly key: Uint8Array | JWTVerifyGetKey;
  readonly algorithms: string[];
}

function keyPicker({ secret, jwksUrl }: SignInOptions): (token: string) => PinnedKey {
  const shared: PinnedKey | undefined = secret && { key: secret, algorithms: ['HS256'] };
  const remote: PinnedKey | undefined = jwksUrl && {
    key: remoteKeys(jwksUrl),
    algorithms: ['RS256', 'ES256', 'EdDSA', 'Ed25519'],
  };
  return (token) => {
    const algorithm = algorithmOf(token);
    const pinned = [shared, remote].find((each) => each?.algorithms.includes(algorithm ?? ''));
    if (pinned === undefined) throw invalid();
    return pinned;
  };
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    return undefined;
  }
}

/** The key set, fetched at need: kept for an hour, asked for an unknown key at most every 30 seconds, given up after 3. */
function remoteKeys(url: URL): JWTVerifyGetKey {
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

function isAboutTheToken(error: unknown): boolean {
  const kinds = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
  return kinds.some((kind) => error instanceof kind);
}

async function verify(token: string, { key, algorithms }: PinnedKey, options: SignInOptions, now: Date): Promise<JWTPayload> {
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

/** What the user can do about it. The signature is checked before the claims, so that a forged token learns nothing. */
function refusal(error: unknown): MediakeepError {
  if (error instanceof errors.JWTExpired) return unauthenticated('Your token has expired. Please sign in again.', error);
  if (error instanceof errors.JWTClaimValidationFailed && ['iss', 'aud', 'nbf'].includes(error.claim)) {
    const problem = error.claim === 'nbf' ? 'is not valid yet' : 'was not made for this server';
    return unauthenticated(`Your token ${problem}.`, error);
  }
  return invalid(error);
}

function subjectOf({ sub }: JWTPayload): string {
  if (
    typeof sub !== 'string' ||
    sub.trim() === '' ||
    sub.length > maxSubjectLength ||
    sub.includes('\u0000') ||
    !sub.isWellFormed()
  ) {
    throw unauthenticated(`Your token names no user: its \`sub\` must be a text of 1 to ${maxSubjectLength} characters.`);
  }
  return sub;
}

/** RFC 6750: the scheme's name is case-insensitive (RFC 9110 11.1), the token one word. */
function bearerToken(authorization: string | undefined): string {
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization ?? '')?.[1];
  if (token !== undefined) return token;
  throw unauthenticated('Please sign in: this needs the header `Authorization: Bearer` with a valid token.');
}

function invalid(cause?: unknown): MediakeepError {
  return unauthenticated('Your token is not valid. Please sign in again.', cause);
}

function unauthenticated(message: string, cause?: unknown): MediakeepError {
  return new MediakeepError('UNAUTHENTICATED', message, cause === undefined ? {} : { cause });
}
