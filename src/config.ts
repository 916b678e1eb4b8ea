import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Limits } from './media/policy.ts';

/** Where the bytes go. */
export type StorageConfig =
  | { readonly driver: 'disk' }
  | {
      readonly driver: 'gcs';
      readonly bucket: string;
      readonly projectId: string | undefined;
      /** An emulator's base URL. */
      readonly apiEndpoint: string | undefined;
      readonly delivery: 'redirect' | 'proxy';
    };

/** How pushes of the bucket's notifications are known: by an OpenID Connect token that Google signed for this service account and this audience. */
export interface GcsEventsConfig {
  readonly bucket: string;
  readonly audience: string;
  readonly serviceAccount: string;
  readonly jwksUrl: string;
}

/** The whole configuration: parsed once, checked, frozen. Nothing else reads the environment. */
export interface Config {
  readonly isProduction: boolean;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Without a trailing slash; undefined: http://HOST:PORT. */
  readonly publicUrl: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
  /** undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  readonly storage: StorageConfig;
  readonly auth: {
    readonly jwtSecret: string | undefined;
    readonly jwksUrl: string | undefined;
    readonly issuer: string | undefined;
    readonly audience: string | undefined;
  };
  readonly urlSigningSecret: string | undefined;
  readonly limits: Limits;
  readonly images: {
    /** Widths of renditions that are made right after an upload; empty: none. */
    readonly pregenerateWidths: readonly number[];
    /** Whether positions and serial numbers are cut out of originals. */
    readonly stripLocation: boolean;
  };
  /** 0 turns it off. */
  readonly rateLimitPerMinute: number;
  /** Where requests are counted: in each process, or in the database for all of them. */
  readonly rateLimitStore: 'memory' | 'postgres';
  /** Whose `X-Forwarded-For` is believed: so many proxies in front of us, or those at these addresses; undefined: nobody's. */
  readonly trustProxy: number | readonly string[] | undefined;
  /** undefined: none in production, localhost in development. */
  readonly corsOrigins: readonly string[] | undefined;
  readonly worker: 'inline' | 'off';
  readonly sweepIntervalSeconds: number;
  readonly uploadGraceSeconds: number;
  readonly uploadSessionSeconds: number;
  /** Who may tell that an object has arrived in the bucket; undefined: nobody. */
  readonly gcsEvents: GcsEventsConfig | undefined;
  readonly logLevel: (typeof logLevels)[number];
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Every problem of the environment at once. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration does not fit:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Reads the configuration out of environment variables; an empty one counts as unset.
 * Throws a ConfigError that names every problem at once.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = variables.safeParse(set);
  const problems = parsed.error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? [];
  problems.push(...contradictions(set));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return toConfig(parsed.data);
}

/** Every name {@link readConfig} knows; .env.example, the README and docker-compose.yml are checked against it. */
export function configNames(): string[] {
  return Object.keys(variables.shape);
}

const text = (message: string) => z.string().trim().min(1, message);

const wholeNumber = (range: { from: number; to?: number; unit: string }) => {
  const to = range.to ?? Number.MAX_SAFE_INTEGER;
  const message = `must be a whole number of ${range.unit} from ${range.from}${range.to === undefined ? '' : ` to ${to}`}`;
  return z
    .string()
    .trim()
    .regex(/^\d+$/, message)
    .transform(Number)
    .refine((value) => value >= range.from && value <= to, message);
};

const httpUrl = z
  .string()
  .trim()
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), 'must be an http:// or https:// URL')
  .transform((value) => value.replace(/\/+$/, ''));

const widthsMessage = 'must be a comma list of widths from 1 to 3840, such as 384,1280';

const variables = z.object({
  NODE_ENV: z.string().trim().optional(),
  HOST: text('must be an address to listen on').default('127.0.0.1'),
  PORT: wholeNumber({ from: 0, to: 65_535, unit: 'a port' }).default(4000),
  PUBLIC_URL: httpUrl
    .refine((value) => new URL(value).search === '' && new URL(value).hash === '', 'must have no query and no fragment')
    .optional(),
  DATA_DIR: text('must be a folder').default('.data'),
  DATABASE_URL: z
    .string()
    .trim()
    .regex(/^postgres(ql)?:\/\//, { error: 'must begin with postgres:// or postgresql://', abort: true })
    .refine(namesDatabase, 'must name a database: postgres://USER:PASSWORD@HOST/NAME')
    .optional(),
  STORAGE_DRIVER: z.enum(['disk', 'gcs'], 'must be disk or gcs').default('disk'),
  GCS_BUCKET: z
    .string()
    .trim()
    .regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, "must be a bucket's name (without gs://)")
    .optional(),
  GCS_PROJECT_ID: text('must be a project id').optional(),
  GCS_API_ENDPOINT: httpUrl.optional(),
  DELIVERY: z.enum(['redirect', 'proxy'], 'must be redirect or proxy').default('redirect'),
  AUTH_JWT_SECRET: z
    .string()
    .refine((value) => Buffer.byteLength(value) >= 32, 'must have 32 bytes or more: `openssl rand -base64 48` makes one')
    .optional(),
  AUTH_JWKS_URL: httpUrl.optional(),
  AUTH_ISSUER: text('must be the `iss` of your tokens').optional(),
  AUTH_AUDIENCE: text('must be the `aud` of your tokens').optional(),
  URL_SIGNING_SECRET: z
    .string()
    .refine((value) => Buffer.byteLength(value) >= 32, 'must have 32 bytes or more: `openssl rand -base64 48` makes one')
    .optional(),
  MAX_IMAGE_BYTES: wholeNumber({ from: 1, to: 1024 ** 3, unit: 'bytes' }).default(26_214_400),
  MAX_VIDEO_BYTES: wholeNumber({ from: 1, unit: 'bytes' }).default(5_368_709_120),
  MAX_IMAGE_PIXELS: wholeNumber({ from: 1, unit: 'pixels' }).default(100_000_000),
  IMAGE_PREGENERATE: z
    .string()
    .transform((value) => commaList(value).map(Number))
    .refine((widths) => widths.every((width) => Number.isInteger(width) && width >= 1 && width <= 3840), widthsMessage)
    .refine((widths) => widths.length <= 10, 'must have 10 widths at most')
    .default([]),
  IMAGE_STRIP_LOCATION: z.enum(['true', 'false'], 'must be true or false').default('false'),
  USER_QUOTA_BYTES: wholeNumber({ from: 0, unit: 'bytes' }).optional(),
  MAX_UPLOADS_PER_USER: wholeNumber({ from: 1, unit: 'uploads' }).default(50),
  MAX_UPLOADS_PER_PROCESS: wholeNumber({ from: 1, unit: 'uploads' }).default(300),
  RATE_LIMIT_PER_MINUTE: wholeNumber({ from: 0, unit: 'requests' }).default(1200),
  RATE_LIMIT_STORE: z.enum(['memory', 'postgres'], 'must be memory or postgres').default('memory'),
  TRUST_PROXY: z
    .string()
    .transform((value) => (/^\s*[1-9]\s*$/.test(value) ? Number(value) : commaList(value)))
    .refine(
      (value) => typeof value === 'number' || value.every(isNetwork),
      'must be the number of proxies in front (1 to 9), or a comma list of their addresses or networks, such as 10.0.0.0/8, loopback',
    )
    .optional(),
  CORS_ORIGINS: z
    .string()
    .transform(commaList)
    .refine((origins) => origins.every(isOrigin), 'must be a comma list of origins such as https://app.example.com')
    .optional(),
  WORKER: z.enum(['inline', 'off'], 'must be inline or off').default('inline'),
  SWEEP_INTERVAL_SECONDS: wholeNumber({ from: 1, to: 86_400, unit: 'seconds' }).default(60),
  UPLOAD_GRACE_SECONDS: wholeNumber({ from: 1, to: 604_800, unit: 'seconds' }).default(3600),
  UPLOAD_SESSION_SECONDS: wholeNumber({ from: 60, to: 604_800, unit: 'seconds' }).default(86_400),
  GCS_EVENTS_AUDIENCE: text('must be the audience of the push subscription').optional(),
  GCS_EVENTS_SERVICE_ACCOUNT: text('must be the email address of the service account that pushes').optional(),
  GCS_EVENTS_JWKS_URL: httpUrl.default('https://www.googleapis.com/oauth2/v3/certs'),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
});

type Variables = z.output<typeof variables>;

function commaList(value: string): string[] {
  return value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** An address, a network in CIDR notation, or one of the names that Fastify knows. */
/** A URL without a database's name would be refused by the driver, in words of its own. */
function namesDatabase(url: string): boolean {
  return URL.canParse(url) && new URL(url).pathname.length > 1;
}

function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', prefix, ...more] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 && more.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  );
}

function isOrigin(origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).origin === origin;
}

/** What only shows when several variables are seen together: as they were set, each of which may be wrong in itself. */
function contradictions(set: Readonly<Record<string, string | undefined>>): string[] {
  const problems: string[] = [];
  const isProduction = set.NODE_ENV?.trim() === 'production';
  const hasSignIn = set.AUTH_JWT_SECRET !== undefined || set.AUTH_JWKS_URL !== undefined;
  if (set.STORAGE_DRIVER === 'gcs' && set.GCS_BUCKET === undefined)
    problems.push('GCS_BUCKET: is needed with STORAGE_DRIVER=gcs');
  if ((set.GCS_EVENTS_AUDIENCE === undefined) !== (set.GCS_EVENTS_SERVICE_ACCOUNT === undefined))
    problems.push('GCS_EVENTS_AUDIENCE, GCS_EVENTS_SERVICE_ACCOUNT: one needs the other');
  if (set.GCS_EVENTS_AUDIENCE !== undefined && set.STORAGE_DRIVER !== 'gcs')
    problems.push('GCS_EVENTS_AUDIENCE: is of use with STORAGE_DRIVER=gcs only');
  if (isProduction && !hasSignIn) {
    problems.push(
      'AUTH_JWT_SECRET or AUTH_JWKS_URL: one is needed with NODE_ENV=production; the generated development secret is refused there',
    );
  }
  if (isProduction && set.URL_SIGNING_SECRET === undefined) {
    problems.push('URL_SIGNING_SECRET: is needed with NODE_ENV=production, 32 bytes or more, the same in every server process');
  }
  return problems;
}

function toConfig(set: Variables): Config {
  return deepFreeze({
    isProduction: set.NODE_ENV === 'production',
    host: set.HOST,
    port: set.PORT,
    publicUrl: set.PUBLIC_URL,
    dataDir: resolve(set.DATA_DIR),
    databaseUrl: set.DATABASE_URL,
    storage: toStorage(set),
    auth: { jwtSecret: set.AUTH_JWT_SECRET, jwksUrl: set.AUTH_JWKS_URL, issuer: set.AUTH_ISSUER, audience: set.AUTH_AUDIENCE },
    urlSigningSecret: set.URL_SIGNING_SECRET,
    limits: {
      maxImageBytes: set.MAX_IMAGE_BYTES,
      maxVideoBytes: set.MAX_VIDEO_BYTES,
      maxImagePixels: set.MAX_IMAGE_PIXELS,
      userQuotaBytes: set.USER_QUOTA_BYTES,
      maxUploadsPerUser: set.MAX_UPLOADS_PER_USER,
      maxUploadsPerProcess: set.MAX_UPLOADS_PER_PROCESS,
    },
    images: { pregenerateWidths: set.IMAGE_PREGENERATE, stripLocation: set.IMAGE_STRIP_LOCATION === 'true' },
    rateLimitPerMinute: set.RATE_LIMIT_PER_MINUTE,
    rateLimitStore: set.RATE_LIMIT_STORE,
    trustProxy: set.TRUST_PROXY,
    corsOrigins: set.CORS_ORIGINS,
    worker: set.WORKER,
    sweepIntervalSeconds: set.SWEEP_INTERVAL_SECONDS,
    uploadGraceSeconds: set.UPLOAD_GRACE_SECONDS,
    uploadSessionSeconds: set.UPLOAD_SESSION_SECONDS,
    gcsEvents: toGcsEvents(set),
    logLevel: set.LOG_LEVEL,
  });
}

function toStorage(set: Variables): StorageConfig {
  if (set.STORAGE_DRIVER === 'disk') return { driver: 'disk' };
  return {
    driver: 'gcs',
    // contradictions() has seen to it that there is one.
    bucket: set.GCS_BUCKET ?? '',
    projectId: set.GCS_PROJECT_ID,
    apiEndpoint: set.GCS_API_ENDPOINT,
    delivery: set.DELIVERY,
  };
}

function toGcsEvents(set: Variables): GcsEventsConfig | undefined {
  const { GCS_EVENTS_AUDIENCE: audience, GCS_EVENTS_SERVICE_ACCOUNT: serviceAccount, GCS_BUCKET: bucket } = set;
  if (audience === undefined || serviceAccount === undefined || bucket === undefined) return undefined;
  return { bucket, audience, serviceAccount, jwksUrl: set.GCS_EVENTS_JWKS_URL };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
