/** One measurement of a run: a line of the table. */
export interface Finding {
  /** What was done, such as `photo 100 KB`. */
  readonly what: string;
  /** Through which door, or in which way. */
  readonly how: string;
  readonly unit: 'ms' | 's' | 'MiB' | 'files';
  readonly measured: number;
  /** What it is held against, in the same run; `name` is `floor` unless it is something else. */
  readonly against?: { readonly name: string; readonly measured: number };
  /** The most that passes: of the ratio to `against`, or of `measured` itself. */
  readonly limit?: { readonly of: 'ratio' | 'measured'; readonly atMost: number };
  /** How much got through, such as `140/s`; for the eye only. */
  readonly throughput?: string;
  /** Every round's value, in the order of the rounds: the spread behind the median. */
  readonly rounds: readonly number[];
}

/** What came of a run, as `.artifacts/bench.json` holds it. */
export interface Report {
  readonly startedAt: string;
  readonly node: string;
  readonly cpu: string;
  readonly quick: boolean;
  readonly passed: boolean;
  readonly findings: readonly (Finding & { readonly ratio: number | null; readonly verdict: Verdict })[];
}

/** `NOTED` is a finding without a limit. */
export type Verdict = 'PASS' | 'FAIL' | 'NOTED';

/** How often `measured` holds what it is held against; null when there is nothing. */
export function ratioOf({ measured, against }: Finding): number | null {
  return against === undefined ? null : measured / against.measured;
}

/** Whether the finding keeps its limit. A number that could not be measured does not. */
export function verdictOf(finding: Finding): Verdict {
  if (finding.limit === undefined) return 'NOTED';
  const value = finding.limit.of === 'ratio' ? (ratioOf(finding) ?? Number.NaN) : finding.measured;
  return value <= finding.limit.atMost ? 'PASS' : 'FAIL';
}

/** The findings as a table for a terminal. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = findings.map((finding) => [
    finding.what,
    finding.how,
    finding.against === undefined ? '' : `${quantity(finding.against.measured, finding.unit)} (${finding.against.name})`,
    quantity(finding.measured, finding.unit),
    ratioOf(finding)?.toFixed(2) ?? '',
    finding.limit === undefined ? '' : limitText(finding.limit, finding.unit),
    finding.throughput ?? '',
    verdictOf(finding),
  ]);
  const all = [['case', 'door', 'against', 'ours', 'ratio', 'limit', 'throughput', 'verdict'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function quantity(value: number, unit: Finding['unit']): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ${unit}`;
}

function limitText({ of, atMost }: { of: 'ratio' | 'measured'; atMost: number }, unit: Finding['unit']): string {
  return of === 'ratio' ? `${atMost}x` : `${atMost} ${unit}`;
}
