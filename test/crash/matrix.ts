import type { Kill } from './walk.ts';

/**
 * Tables for a human: one line for each place to die at, one column for each way. A cell tells what the process left (`nothing` out of order, a row that
 * is `uploading` or `deleting`, an `original` of such a row, a `draft`, ...), what became of the asset after one sweep, and what is wrong, if anything is.
 */
export function drawMatrix(title: string, groups: readonly (readonly string[])[], kills: readonly Kill[]): string {
  return [
    `${title}: the process gets a SIGKILL there; then a clean process sweeps once`,
    ...groups.flatMap((columns) => ['', ...drawGroup(columns, kills)]),
    '',
    `${kills.length} kills; consistent after one sweep: ${verdicts.map((verdict) => `${verdict} ${count(kills, verdict)}`).join(', ')}`,
    '',
  ].join('\n');
}

function drawGroup(columns: readonly string[], kills: readonly Kill[]): string[] {
  const places = inOrder(columns.map((way) => kills.filter((kill) => kill.way === way).map(({ at }) => at)));
  const lines = places.map((at) => [
    at,
    ...columns.map((way) => cell(kills.filter((kill) => kill.way === way && kill.at === at))),
  ]);
  return aligned([['killed at', ...columns], ...lines]);
}

const verdicts = ['rows', 'objects', 'bytes', 'usage'] as const;

/** Whether nothing is wrong after a kill. */
export function isConsistent(kill: Kill): boolean {
  return verdicts.every((verdict) => kill[verdict]);
}

function count(kills: readonly Kill[], verdict: (typeof verdicts)[number]): string {
  return `${kills.filter((kill) => kill[verdict]).length}/${kills.length}`;
}

/** One list that keeps the order of each: what only one way passes stands where it passes it. */
function inOrder(lists: readonly (readonly string[])[]): string[] {
  const order: string[] = [];
  for (const list of lists) {
    let position = 0;
    for (const label of list) {
      const known = order.indexOf(label);
      if (known === -1) order.splice(position, 0, label);
      position = (known === -1 ? position : Math.max(known, position - 1)) + 1;
    }
  }
  return order;
}

/** All kills at this place: what they left, and what came of it. */
function cell(kills: readonly Kill[]): string {
  if (kills.length === 0) return '';
  const left = [...new Set(kills.map((kill) => kill.left))].join(' | ');
  const outcomes = [...new Set(kills.map(({ isThere }) => (isThere ? 'there' : 'gone')))].join('/');
  const wrong = verdicts.filter((verdict) => kills.some((kill) => !kill[verdict]));
  const times = kills.length > 1 ? ` x${kills.length}` : '';
  return `${left} > ${outcomes}${times} ${wrong.length === 0 ? 'ok' : `WRONG: ${wrong.join(', ')}`}`;
}

function aligned(lines: readonly string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
