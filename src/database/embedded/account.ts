import { stat } from 'node:fs/promises';

/** Whom PostgreSQL runs as; empty: as ourselves. It refuses to run as root. */
export interface Account {
  uid?: number;
  gid?: number;
}

/**
 * The account for the cluster whose files are in `data`. We stay who we are unless we are root: then it is whoever
 * owns the files already (a cluster made before as a plain user stays theirs), or else nobody.
 */
export async function accountFor(data: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const owner = await stat(data).catch(() => undefined);
  return owner === undefined || owner.uid === 0 ? NOBODY : { uid: owner.uid, gid: owner.gid };
}

/** What every PostgreSQL program is spawned with: the account, the folder, and an environment that is ours alone. */
export function spawnedAs(account: Account, cwd: string) {
  return { ...account, cwd, env: ENVIRONMENT };
}

/**
 * How PostgreSQL names its data folder, which must be its working directory. Another account may not be able to walk
 * there (a project below /root, closed to others), yet a process always reaches its own working directory through /proc:
 * so the data stays where it was asked for.
 */
export function dataAsSeenBy(account: Account, data: string): string {
  return account.uid !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : data;
}

/** 65534 needs no entry in /etc/passwd and owns nothing on any system, so there is no user to add. */
const NOBODY = { uid: 65534, gid: 65534 };

/** Not process.env: a PGPORT or PGDATA in the user's shell would reach the server. English messages: we read them. */
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
