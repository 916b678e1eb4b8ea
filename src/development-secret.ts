import { hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The secret of a development installation: made once, kept in the data folder (readable by its owner only), the same after a restart,
 * so that tokens and links go on working.
 */
export async function developmentSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'development-secret');
  const draft = `${path}.${process.pid}`;
  await mkdir(dataDir, { recursive: true });
  await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600 });
  try {
    // A link is all or nothing: of two processes that start at once, one wins and both read the same, whole secret.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  return await readFile(path, 'utf8');
}

/** A key of its own for the delivery links, out of the secret that signs tokens: neither tells anything about the other (RFC 5869). */
export function derivedLinkSecret(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'mediakeep delivery links', 32));
}
