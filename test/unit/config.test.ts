import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ConfigError, configNames, readConfig } from '../../src/config.ts';

const secret = 'a secret that is long enough for HS256';

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe('configuration', () => {
  test('an empty environment gives the defaults of the contract', () => {
    expect(readConfig({})).toMatchObject({
      isProduction: false,
      host: '127.0.0.1',
      port: 4000,
      publicUrl: undefined,
      databaseUrl: undefined,
      storage: { driver: 'disk' },
      limits: { maxImageBytes: 26_214_400, maxVideoBytes: 5_368_709_120, maxImagePixels: 100_000_000, userQuotaBytes: undefined },
      rateLimitPerMinute: 1200,
      rateLimitStore: 'memory',
      trustProxy: undefined,
      corsOrigins: undefined,
      worker: 'inline',
      sweepIntervalSeconds: 60,
      uploadGraceSeconds: 3600,
    });
  });

  test('an empty value counts as unset', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ', USER_QUOTA_BYTES: '' }).port).toBe(4000);
  });

  test('every problem is named in one message', () => {
    const problems = problemsOf({
      PORT: '70000',
      PUBLIC_URL: 'ftp://example.com',
      DATABASE_URL: 'mysql://x',
      STORAGE_DRIVER: 's3',
      AUTH_JWT_SECRET: 'short',
      MAX_IMAGE_BYTES: '-1',
      CORS_ORIGINS: 'https://app.example.com/path',
      WORKER: 'maybe',
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'PUBLIC_URL',
      'DATABASE_URL',
      'STORAGE_DRIVER',
      'AUTH_JWT_SECRET',
      'MAX_IMAGE_BYTES',
      'CORS_ORIGINS',
      'WORKER',
    ]);
  });

  test('production asks for a way to sign in and for a key of the links, both at once', () => {
    const problems = problemsOf({ NODE_ENV: 'production' });
    expect(problems).toHaveLength(2);
    expect(problems.join()).toMatch(/AUTH_JWT_SECRET or AUTH_JWKS_URL.*URL_SIGNING_SECRET/s);
    expect(problemsOf({ NODE_ENV: 'production', AUTH_JWT_SECRET: secret, URL_SIGNING_SECRET: secret })).toEqual([]);
  });

  test('what is wrong in itself does not hide what is missing beside it', () => {
    const problems = problemsOf({ NODE_ENV: 'production', PORT: 'x', URL_SIGNING_SECRET: 'short', STORAGE_DRIVER: 'gcs' });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'URL_SIGNING_SECRET',
      'GCS_BUCKET',
      'AUTH_JWT_SECRET or AUTH_JWKS_URL',
    ]);
  });

  test('a space or the end of a Windows line does not turn production into development', () => {
    for (const NODE_ENV of ['production ', 'production\r']) expect(problemsOf({ NODE_ENV })).toHaveLength(2);
    expect(readConfig({ NODE_ENV: 'production\r', AUTH_JWT_SECRET: secret, URL_SIGNING_SECRET: secret }).isProduction).toBe(true);
  });

  test('a bucket driver needs a bucket', () => {
    expect(problemsOf({ STORAGE_DRIVER: 'gcs' })).toEqual(['GCS_BUCKET: is needed with STORAGE_DRIVER=gcs']);
    expect(readConfig({ STORAGE_DRIVER: 'gcs', GCS_BUCKET: 'my-bucket' }).storage).toMatchObject({
      bucket: 'my-bucket',
      delivery: 'redirect',
    });
  });

  test('lists and URLs come out clean', () => {
    const config = readConfig({
      CORS_ORIGINS: 'https://a.example, http://localhost:3000',
      PUBLIC_URL: 'https://media.example/base/',
    });
    expect(config.corsOrigins).toEqual(['https://a.example', 'http://localhost:3000']);
    expect(config.publicUrl).toBe('https://media.example/base');
  });

  test('a problem never repeats a value, which may be a secret', () => {
    expect(problemsOf({ AUTH_JWT_SECRET: 'hunter2', URL_SIGNING_SECRET: 'hunter2' }).join()).not.toContain('hunter2');
  });

  test.each([
    ['2', 2],
    ['10.0.0.0/8, ::1, loopback', ['10.0.0.0/8', '::1', 'loopback']],
  ])('TRUST_PROXY=%s names proxies', (value, expected) => {
    expect(readConfig({ TRUST_PROXY: value }).trustProxy).toEqual(expected);
  });

  test.each(['0', 'true', '10.0.0.0/33', 'proxy.example', '1.2.3.4/8/8', '*'])(
    'TRUST_PROXY=%s is refused: it would believe too many',
    (value) => {
      expect(problemsOf({ TRUST_PROXY: value })).toHaveLength(1);
    },
  );

  test('nobody can change it afterwards', () => {
    const config = readConfig({});
    expect(Object.isFrozen(config) && Object.isFrozen(config.limits)).toBe(true);
  });
});

describe('what is written about the configuration', () => {
  const example = readFileSync('.env.example', 'utf8');
  const namesIn = (text: string): string[] => [...text.matchAll(/^([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] ?? '');

  test('.env.example lists exactly the names that are read', () => {
    expect(namesIn(example).sort()).toEqual(configNames().sort());
  });

  test("the README's table lists exactly the names that are read", () => {
    const rows = [...readFileSync('README.md', 'utf8').matchAll(/^\| ((?:`[A-Z][A-Z0-9_]+`(?:, )?)+) \|/gm)];
    const names = rows.flatMap((row) => [...(row[1] ?? '').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map((match) => match[1] ?? ''));
    expect(names.filter((name) => configNames().includes(name)).sort()).toEqual(configNames().sort());
  });

  test("the example's values are the defaults", () => {
    const values = Object.fromEntries([...example.matchAll(/^([A-Z][A-Z0-9_]+)=(.*)$/gm)].map((match) => [match[1], match[2]]));
    expect(readConfig(values)).toEqual(readConfig({}));
  });

  test('docker-compose.yml sets only names that are read, and values that fit', () => {
    const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
      services: Record<string, { image?: string; profiles?: string[]; environment?: Record<string, string> }>;
    };
    const apps = Object.values(compose.services).filter((service) => service.image === 'mediakeep');
    expect(apps).toHaveLength(3);
    for (const { environment = {} } of apps) {
      expect(Object.keys(environment).filter((name) => !configNames().includes(name))).toEqual([]);
      const filled = Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, value.startsWith('${') ? '' : value]),
      );
      expect(problemsOf({ ...filled, AUTH_JWT_SECRET: secret, URL_SIGNING_SECRET: secret })).toEqual([]);
    }
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['database', 'gcs']));
  });

  test('a database URL has to be one, and to name a database', () => {
    for (const url of ['postgres://', 'postgres://database', 'postgres://database/', 'postgres://a:b@[/x'])
      expect(problemsOf({ DATABASE_URL: url })).toEqual([expect.stringMatching(/^DATABASE_URL: must name a database/)]);
    for (const url of ['postgres://a:b@database:5432/x', 'postgresql:///x?host=/run/postgresql'])
      expect(problemsOf({ DATABASE_URL: url })).toEqual([]);
  });

  test('docker-compose.yml migrates the database before a server starts on it', () => {
    const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
      services: Record<string, { command?: string[]; depends_on?: Record<string, { condition: string }>; environment: object }>;
    };
    const { migrate, mediakeep, 'mediakeep-gcs': onBucket } = compose.services;
    expect(migrate).toMatchObject({ restart: 'no', command: ['node', 'dist/src/migrate.js'] });
    for (const server of [mediakeep, onBucket]) {
      expect(server?.depends_on).toMatchObject({
        database: { condition: 'service_healthy' },
        migrate: { condition: 'service_completed_successfully' },
      });
    }
  });

  test("docker-compose.yml's emulator profile names one emulator, one bucket and one database on both sides", () => {
    const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
      services: Record<string, { command?: string[]; profiles?: string[]; environment: Record<string, string> }>;
    };
    const { gcs, 'mediakeep-gcs': app, database } = compose.services;
    const environment = app?.environment ?? {};
    expect([gcs?.profiles, app?.profiles]).toEqual([['gcs-emulator'], ['gcs-emulator']]);
    const endpoint = new URL(environment.GCS_API_ENDPOINT ?? '');
    expect(compose.services).toHaveProperty(endpoint.hostname);
    expect(gcs?.command?.join(' ')).toContain(`-port ${endpoint.port} `);
    expect(gcs?.command?.join(' ')).toContain(`-external-url ${endpoint.origin}`);
    expect(gcs?.command?.join(' ')).toContain(`/data/${environment.GCS_BUCKET} `);
    // An emulator signs nothing, so links are streamed.
    expect(environment).toMatchObject({ STORAGE_DRIVER: 'gcs', DELIVERY: 'proxy' });
    const url = new URL(environment.DATABASE_URL ?? '');
    expect(compose.services).toHaveProperty(url.hostname);
    expect(database?.environment).toMatchObject({
      POSTGRES_USER: url.username,
      POSTGRES_PASSWORD: url.password,
      POSTGRES_DB: url.pathname.slice(1),
    });
  });
});
