import './node-version.ts';
import { parseArgs } from 'node:util';
import { openStock } from './app.ts';
import type { Config } from './config.ts';
import { inBytes } from './media/policy.ts';
import { type Finding, looksLikeAnotherDatabase, type Reconciliation, reconcile } from './media/reconcile.ts';
import { runCommand } from './process.ts';

const usage = `Compares the storage with the table in both directions, and changes nothing unless told to.

  npm run reconcile -- [--apply] [--min-age-seconds N] [--even-most]

  --apply              removes the objects of assets that no row knows. Nothing else is ever changed.
  --min-age-seconds N  leaves unknown objects alone that are younger (default 86400: a day)
  --even-most          removes even when the storage has more unknown assets than known ones

Every installation that shares the bucket must share the database too: the objects of another one are unknown to this one.
Exit code: 0 when nothing differs (any more), 1 when something does, or when the comparison failed.
`;

/** How often a long run says how far it is, in milliseconds. */
const progressEveryMs = 5_000;

interface Orders {
  readonly apply: boolean;
  readonly minAgeSeconds: number;
  readonly evenMost: boolean;
}

await runCommand(async (config) => {
  const orders = readOrders();
  if (orders === undefined) {
    process.stdout.write(usage);
    return;
  }
  if (!(await run(config, orders))) process.exitCode = 1;
});

/** Undefined: the usage was asked for. */
function readOrders(): Orders | undefined {
  const { values } = parseArgs({
    options: {
      apply: { type: 'boolean', default: false },
      'min-age-seconds': { type: 'string', default: '86400' },
      'even-most': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const minAgeSeconds = Number(values['min-age-seconds']);
  if (!Number.isInteger(minAgeSeconds) || minAgeSeconds < 0) throw badNumber(values['min-age-seconds']);
  return values.help ? undefined : { apply: values.apply, minAgeSeconds, evenMost: values['even-most'] };
}

/** False when something differs at the end. */
async function run(config: Config, { apply, minAgeSeconds, evenMost }: Orders): Promise<boolean> {
  const stock = await openStock(config);
  const signal = new AbortController().signal;
  const clock = (): Date => new Date();
  const tell = (finding: Finding): void => void process.stdout.write(`${inWords(finding)}\n`);
  const compare = (repair: boolean, onFinding: (finding: Finding) => void): Promise<Reconciliation> =>
    reconcile({
      ...stock,
      clock,
      minAgeSeconds,
      apply: repair,
      signal,
      onFinding,
      onProgress: nowAndThen(({ objects, assets }) => process.stderr.write(`... ${objects} objects, ${assets} assets\n`)),
    });
  try {
    if (!apply) return conclude(await compare(false, tell));
    const found = await compare(false, () => undefined);
    if (looksLikeAnotherDatabase(found) && !evenMost) {
      process.stdout.write(summary(found));
      process.stdout.write(
        'Nothing was removed: most of the storage is unknown to this database. Is it the right one? --even-most removes it.\n',
      );
      return false;
    }
    return conclude(await compare(true, tell));
  } finally {
    await stock.close();
  }
}

function conclude(result: Reconciliation): boolean {
  process.stdout.write(summary(result));
  return result.unknown === result.removed && result.missing === 0 && result.different === 0;
}

function inWords(finding: Finding): string {
  switch (finding.what) {
    case 'unknown': {
      const fates = { young: 'young, left alone', kept: '--apply removes it', removed: 'removed' };
      const { id, objects, sizeBytes, fate } = finding;
      return `unknown    ${id}/  ${objects} object(s), ${inBytes(sizeBytes)}, of no asset: ${fates[fate]}`;
    }
    case 'missing':
      return `missing    ${finding.key}  ${inBytes(finding.sizeBytes)}. Restore it (a bucket: soft delete, versions; a disk: your backup), or let its owner delete the asset`;
    case 'different':
      return `different  ${finding.key}  has ${inBytes(finding.storedBytes)}, its asset ${inBytes(finding.sizeBytes)}. Restore it, or let its owner delete the asset`;
  }
}

function summary(result: Reconciliation): string {
  const lines: [string, string][] = [
    ['assets', `${result.assets}, of which ${result.unfinishedAssets} are being uploaded or deleted (the sweep sees to them)`],
    ['objects', `${result.objects}, ${inBytes(result.storedBytes)}; ${result.foreignObjects} are none of ours`],
    ['unknown', `${result.unknown}, of which ${result.removed} removed; ${result.young} more are too young to tell`],
    ['missing', `${result.missing}`],
    ['different', `${result.different}`],
  ];
  return `\n${lines.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join('')}`;
}

/** Calls `tell` at most once in {@link progressEveryMs}, and not before. */
function nowAndThen<T>(tell: (value: T) => void): (value: T) => void {
  let toldAtMs = performance.now();
  return (value) => {
    if (performance.now() - toldAtMs < progressEveryMs) return;
    toldAtMs = performance.now();
    tell(value);
  };
}

function badNumber(text: string): Error {
  return Object.assign(new Error(`--min-age-seconds must be a whole number of seconds, not ${text}.`), { code: 'ERR_ARGUMENT' });
}
