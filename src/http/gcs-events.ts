import type { FastifyPluginAsync } from 'fastify';
import { MediakeepError } from '../errors.ts';
import type { MediaLibrary } from '../media/library.ts';
import { originalKey } from '../media/policy.ts';
import { bearerToken, remoteKeys, unauthenticated, verify } from './tokens.ts';

export interface GcsEventsOptions {
  readonly library: MediaLibrary;
  readonly bucket: string;
  /** Of the push subscription. */
  readonly audience: string;
  /** The email address of the account that pushes. */
  readonly serviceAccount: string;
  /** Where Google's keys are. */
  readonly jwksUrl: string;
}

/** Where the address is. */
const path = '/internal/gcs-events';

/**
 * `POST /internal/gcs-events`: a Pub/Sub push subscription tells that an object has arrived in the bucket, and the upload is completed although its client never
 * came back. 204 when there is nothing more to do; any other status makes Pub/Sub try again, later and later. 401 unless Google vouches for the account.
 */
export function gcsEventsDoor(options: GcsEventsOptions): FastifyPluginAsync {
  const assertPusher = pusherCheck(options);
  return async (scope) => {
    scope.route({
      method: 'POST',
      url: path,
      // One address sends the events of everybody.
      config: { unlimited: true },
      bodyLimit: maxBodyBytes,
      onRequest: (request) => assertPusher(request.headers.authorization),
      handler: async (request, reply) => {
        const id = arrivedIn(options.bucket, request.body);
        if (id !== undefined) await completed(options.library, id);
        return reply.code(204).send();
      },
    });
  };
}

/** A notification has a few hundred bytes, and the object's metadata in base64. */
const maxBodyBytes = 256 * 1024;

/** OpenID Connect tokens of Google's accounts (Pub/Sub, "Authentication for push subscriptions"). */
const issuer = 'https://accounts.google.com';

function pusherCheck({
  audience,
  serviceAccount,
  jwksUrl,
}: GcsEventsOptions): (authorization: string | undefined) => Promise<void> {
  const key = { key: remoteKeys(new URL(jwksUrl)), algorithms: ['RS256'] };
  return async (authorization) => {
    const claims = await verify(bearerToken(authorization), key, { issuer, audience }, new Date());
    if (claims.email === serviceAccount && claims.email_verified === true) return;
    throw unauthenticated('This token is not of the account that pushes the events of the bucket.');
  };
}

/** The asset whose original has arrived, as the attributes of a push say; undefined for everything else. */
function arrivedIn(bucket: string, body: unknown): string | undefined {
  const { eventType, bucketId, objectId } = attributesOf(body);
  if (eventType !== 'OBJECT_FINALIZE' || bucketId !== bucket || typeof objectId !== 'string') return undefined;
  const id = objectId.split('/', 1)[0] ?? '';
  return objectId === originalKey(id) ? id : undefined;
}

function attributesOf(body: unknown): Record<string, unknown> {
  const { message } = (body ?? {}) as { message?: { attributes?: unknown } | null };
  return (message?.attributes ?? {}) as Record<string, unknown>;
}

/** Too many at once is no reason to give up on one: whatever is left to try again is 503. */
async function completed(library: MediaLibrary, id: string): Promise<void> {
  try {
    await library.completeArrived(id);
  } catch (error) {
    if (!(error instanceof MediakeepError) || error.code !== 'RATE_LIMITED') throw error;
    throw new MediakeepError('OVERLOADED', 'Too many uploads are under way.', { cause: error, retryAfterSeconds: 5 });
  }
}
