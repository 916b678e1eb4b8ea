import { GoogleAuth } from 'google-auth-library';
import { BucketFault, isTransientStatus } from './gcs-failure.ts';
import { inTime, type Limits } from './retry.ts';

/** What IAM grants decides; the scope only has to cover the bucket and, for keyless signing, `signBlob`. */
const scopes = ['https://www.googleapis.com/auth/cloud-platform'];

/** Credentials that cannot be found, or that give no token now. */
export class CredentialsFault extends BucketFault {}

/**
 * Google's Application Default Credentials: a key file, workload identity, an attached service account or a developer's own login. A key file
 * signs its own tokens, so that nothing has to be asked of anybody. What does go over the network ends within `callMs`, socket included.
 */
export function applicationDefaultCredentials(options: { projectId: string | undefined; callMs: number }): GoogleAuth {
  const auth = new GoogleAuth({
    scopes,
    ...(options.projectId !== undefined && { projectId: options.projectId }),
    clientOptions: { transporterOptions: { timeout: options.callMs } },
  });
  auth.useJWTAccessWithScope = true;
  return auth;
}

/** Whether credentials can be found. Says nothing of what they allow. */
export async function hasCredentials(auth: GoogleAuth): Promise<{ found: true } | { found: false; error: unknown }> {
  try {
    await auth.getClient();
    return { found: true };
  } catch (error) {
    return { found: false, error };
  }
}

/** What signs a request in; nothing without credentials. The library keeps a token until shortly before it expires. */
export async function authorizationOf(auth: GoogleAuth | undefined, limits: Limits): Promise<Record<string, string>> {
  if (auth === undefined) return {};
  const late = (): Error => new CredentialsFault(`No token within ${limits.limitMs} ms`, { isTransient: true });
  const asking = auth.getRequestHeaders().catch((error: unknown) => {
    throw new CredentialsFault('The credentials give no token', { isTransient: isOfTheNetwork(error), cause: error });
  });
  return Object.fromEntries(await inTime(asking, limits, late));
}

/** A refusal (such as `invalid_grant`) is for good; an answer of 5xx and none at all are not. */
function isOfTheNetwork(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('config' in error)) return false;
  const status = 'status' in error ? error.status : undefined;
  return typeof status !== 'number' || isTransientStatus(status);
}
