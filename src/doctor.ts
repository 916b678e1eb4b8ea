import './node-version.ts';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { developmentToken, findDatabase, openSignIn, openStorage } from './app.ts';
import type { Config } from './config.ts';
import { inspectDatabase } from './database/inspect.ts';
import { supportedImageTypes } from './imaging/sharp-image-tools.ts';
import { acceptedTypes } from './media/policy.ts';
import { runCommand } from './process.ts';
import { diagnoseBucket } from './storage/gcs-doctor.ts';

/** What a check says when it passes; it throws when it does not. */
interface Check {
  readonly name: string;
  readonly remedy: string;
  run(): Promise<string>;
}

/** How far apart the clocks of this machine and the database may be: links and tokens live by the second. */
const maxClockSkewMs = 5_000;

const patienceMs = 10_000;

/** As wide as the longest name of a check. */
const nameWidth = 26;

await runCommand(async (config) => {
  const results = (await Promise.all([...checksOf(config).map(examine), examineBucket(config)].flat())).flat();
  process.stdout.write(results.map(({ lines }) => lines).join(''));
  if (results.some(({ ok }) => !ok)) process.exitCode = 1;
});

/** Everything the configuration names, each on its own, so that one failure does not hide another. */
function checksOf(config: Config): Check[] {
  return [
    {
      name: 'database',
      remedy: 'Check DATABASE_URL, or start the embedded one with `npm start`; `npm run migrate` brings the tables up to date.',
      run: async () => {
        const { version, pending } = await inspectDatabase(await findDatabase(config));
        if (pending.length > 0) throw new Error(`PostgreSQL ${version}, not up to date: ${pending.join(', ')} missing`);
        return `PostgreSQL ${version}, up to date`;
      },
    },
    {
      name: 'clock',
      remedy: 'Let this machine keep its time by NTP: tokens and links live by the second.',
      run: async () => {
        const { now } = await inspectDatabase(await findDatabase(config));
        const skewMs = Math.abs(now.getTime() - Date.now());
        if (skewMs > maxClockSkewMs) throw new Error(`${Math.round(skewMs / 1000)} s apart from the database's`);
        return `within ${maxClockSkewMs / 1000} s of the database's`;
      },
    },
    {
      name: 'storage',
      remedy: 'Check DATA_DIR and its rights, or GCS_BUCKET and the credentials.',
      run: async () => {
        const storage = await openStorage(config);
        await storage.check(AbortSignal.timeout(patienceMs));
        await storage.close?.();
        return config.storage.driver === 'gcs'
          ? `the bucket ${config.storage.bucket} answers`
          : `${config.dataDir} can be written`;
      },
    },
    {
      name: 'signing',
      remedy: 'Set AUTH_JWT_SECRET or AUTH_JWKS_URL, and URL_SIGNING_SECRET, as the README says.',
      run: () => checkSigning(config),
    },
    {
      name: 'images',
      remedy: 'Install again with `npm ci`: sharp brings its decoders along.',
      run: async () => {
        const missing = acceptedTypes.IMAGE.types.filter((type) => !supportedImageTypes().includes(type));
        if (missing.length > 0) throw new Error(`no decoder for ${missing.join(', ')}`);
        return acceptedTypes.IMAGE.inWords;
      },
    },
    { name: 'video', remedy: '', run: describeFfmpeg },
  ];
}

/** What only a bucket has: rights, access, CORS, links. */
async function examineBucket({ storage }: Config): Promise<Result[]> {
  if (storage.driver !== 'gcs') return [];
  const diagnoses = await diagnoseBucket(storage);
  return diagnoses.map(({ name, ok, detail, remedy = '' }) => (ok ? passed(name, detail) : failed(name, detail, remedy)));
}

interface Result {
  readonly ok: boolean;
  readonly lines: string;
}

async function examine({ name, remedy, run }: Check): Promise<Result> {
  try {
    return passed(name, await run());
  } catch (error) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    return failed(name, cause instanceof Error ? `${message} (${cause.message})` : message, remedy);
  }
}

function passed(name: string, detail: string): Result {
  return { ok: true, lines: `ok   ${name.padEnd(nameWidth)} ${detail}\n` };
}

function failed(name: string, detail: string, remedy: string): Result {
  return { ok: false, lines: `FAIL ${name.padEnd(nameWidth)} ${detail}\n     ${' '.repeat(nameWidth)} ${remedy}\n` };
}

async function checkSigning(config: Config): Promise<string> {
  const { authenticate } = await openSignIn(config);
  if (config.auth.jwksUrl !== undefined) {
    const answer = await fetch(config.auth.jwksUrl, { signal: AbortSignal.timeout(patienceMs) });
    const { keys = [] } = (await answer.json()) as { keys?: unknown[] };
    if (keys.length === 0) throw new Error(`The key set at ${config.auth.jwksUrl} holds no keys`);
    return `${keys.length} keys at ${config.auth.jwksUrl}`;
  }
  await authenticate(`Bearer ${await developmentToken(config, 'doctor')}`);
  return config.auth.jwtSecret === undefined
    ? 'the generated development secret signs and verifies'
    : 'AUTH_JWT_SECRET signs and verifies';
}

/** Videos are probed without ffmpeg; only what is made out of them needs it, so its absence is told and is no failure. */
async function describeFfmpeg(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('ffmpeg', ['-version'], { timeout: patienceMs });
    return stdout.split(' Copyright')[0] ?? 'ffmpeg';
  } catch {
    return 'no ffmpeg on PATH: videos are taken and kept; posters and playback versions will not be made';
  }
}
