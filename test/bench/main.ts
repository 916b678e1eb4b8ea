import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Finding, type Report, ratioOf, tableOf, verdictOf } from './findings.ts';
import { openStage, type Stage } from './stage.ts';
import { suites } from './suites.ts';

const artifacts = '.artifacts';

const { values: flags, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});
const names = asked.length > 0 ? asked : Object.keys(suites);
const unknown = names.filter((name) => suites[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`There is no suite ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}.\n`);
  process.exit(2);
}
if (!flags['no-build']) build();
process.exit(await run());

/** The bench measures what `npm start` would run: never an older build. */
function build(): void {
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(2);
}

/** 0 when every limit is kept, 1 when one is missed. */
async function run(): Promise<number> {
  const startedAt = new Date();
  const stage = await openStage({ isQuick: flags.quick, profilesDir: flags.profile ? `${artifacts}/profiles` : undefined });
  closeOnSignals(stage);
  try {
    const findings: Finding[] = [];
    for (const name of names) {
      process.stderr.write(`${name} ...\n`);
      findings.push(...((await suites[name]?.(stage)) ?? []));
    }
    return report(findings, startedAt);
  } finally {
    await stage.close();
  }
}

function closeOnSignals(stage: Stage): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void stage.close().finally(() => process.exit(130));
    });
  }
}

function report(findings: readonly Finding[], startedAt: Date): number {
  const judged = findings.map((finding) => ({ ...finding, ratio: ratioOf(finding), verdict: verdictOf(finding) }));
  const passed = judged.every(({ verdict }) => verdict !== 'FAIL');
  const cpu = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`;
  const whole: Report = {
    startedAt: startedAt.toISOString(),
    node: process.version,
    cpu,
    quick: flags.quick,
    passed,
    findings: judged,
  };
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(`${artifacts}/bench.json`, `${JSON.stringify(whole, null, 2)}\n`);
  process.stdout.write(`${tableOf(findings)}\n\n${passed ? 'Every limit is kept.' : 'A limit is missed.'}\n`);
  return passed ? 0 : 1;
}
