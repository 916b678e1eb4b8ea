import { decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose';
import type { Authenticate, Clock } from '../media/ports.ts';
import { KnownTokens } from './known-tokens.ts';
import { bearerToken, invalid, type PinnedKey, remoteKeys, type TokenRules, unauthenticated, verify } from './tokens.ts';

export interface SignInOptions extends TokenRules {
  /** HS256 secret, 32 bytes or more. */
  readonly secret?: Uint8Array | undefined;
  /** Where the public keys for RS256, ES256 and EdDSA are. */
  readonly jwksUrl?: URL | undefined;
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
