import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type ConnectionOptions,
  createClient,
  type UploadOptions,
  type UploadProgress,
  webStorage,
} from '../../src/client/index.ts';
import { query } from '../support/database.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { jpeg } from '../support/media/pictures.ts';
import { type Run, run } from '../support/process.ts';
import { startTestServer, type TestServer, tokenOf } from '../support/server.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const mebibyte = 1024 * 1024;

async function film(sizeBytes: number): Promise<File> {
  const bytes = Buffer.concat(await (await bigMp4({ sizeBytes })).toArray());
  return new File([bytes], 'film.mp4', { type: 'video/mp4', lastModified: 1 });
}

async function sha256Of(file: File): Promise<string> {
  return createHash('sha256')
    .update(new Uint8Array(await file.arrayBuffer()))
    .digest('hex');
}

/** A store as a browser keeps it, over a reload. */
function memoryStore() {
  const entries = new Map<string, string>();
  const storage = {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
  };
  return { entries, store: webStorage(storage) };
}

/** Collects what is reported. */
function progress() {
  const reports: UploadProgress[] = [];
  return { reports, onProgress: (each: UploadProgress) => void reports.push(each) };
}

/** Monotone, in small steps, and at last all of it, being finished. */
function expectTrueProgress(reports: readonly UploadProgress[], totalBytes: number): void {
  const sent = reports.map(({ sentBytes }) => sentBytes);
  expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  expect(new Set(sent).size).toBe(sent.length);
  expect(sent[0]).toBe(0);
  expect(reports.every((each) => each.totalBytes === totalBytes)).toBe(true);
  expect(reports.at(-1)).toEqual({ sentBytes: totalBytes, totalBytes, phase: 'finishing' });
  expect(reports.filter(({ phase }) => phase === 'finishing')).toHaveLength(1);
}

const ways: [string, UploadOptions][] = [
  ['one request', { via: 'multipart' }],
  ['a session', { via: 'session' }],
];

describe('the SDK', () => {
  let server: TestServer;
  let token: string;
  let proxy: TcpProxy;
  let movie: File;

  beforeAll(async () => {
    server = await startTestServer({ MAX_IMAGE_BYTES: '100000' });
    token = await tokenOf('ada');
    movie = await film(20 * mebibyte);
  });

  beforeEach(async () => {
    proxy = await openTcpProxy({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
  });

  afterEach(async () => {
    await proxy.close();
    for await (const { id } of client().list()) await client().delete(id);
    await expectNothingLeft();
  });

  afterAll(() => server.close());

  const client = (options: Partial<ConnectionOptions> = {}) =>
    createClient({ url: server.url, token, retry: { minDelayMs: 20 }, ...options });
  /** Session URLs are the server's own: they too go by the proxy. */
  const byProxy = (options: Partial<ConnectionOptions> = {}) => {
    const url = `http://127.0.0.1:${proxy.port}`;
    return client({
      url,
      fetch: (input, init) => fetch(String(input).replace(server.url, url), init),
      ...options,
    });
  };
  /** What is left soon, at the latest. */
  async function expectNothingLeft(): Promise<void> {
    const rows = () => query(server.databaseUrl, 'select id from media_assets');
    for (let patience = 100; patience > 0 && (await rows()).length > 0; patience -= 1) await sleep(50);
    expect(await rows()).toEqual([]);
    expect(await server.storedFiles()).toEqual([]);
    expect((await client().usage()).bytes).toBe(0);
  }

  test.each(ways)('reports true progress of %s', async (_way, how) => {
    const { reports, onProgress } = progress();
    const asset = await client().upload(movie, { ...how, onProgress });
    expect(asset).toMatchObject({ kind: 'VIDEO', filename: 'film.mp4', sha256: await sha256Of(movie) });
    expectTrueProgress(reports, movie.size);
    expect(reports.length).toBeGreaterThan(20);
  });

  test('sends small files in one request and large ones by a session, unless it is told otherwise', async () => {
    const urls: string[] = [];
    const watched = client({
      fetch: (input, init) => {
        urls.push(`${init?.method} ${new URL(String(input)).pathname.split('/')[1]}`);
        return fetch(input, init);
      },
    });
    const picture = new File([new Uint8Array(await jpeg({ width: 20, height: 10 }))], 'a.jpg');
    await watched.upload(picture);
    expect(urls.splice(0)).toEqual(['POST graphql']);
    await watched.upload(movie);
    expect(urls.splice(0)).toEqual(['POST graphql', 'PUT uploads', 'PUT uploads', 'PUT uploads', 'POST graphql']);
    await watched.upload(picture, { sessionThresholdBytes: 1 });
    expect(urls.splice(0)).toEqual(['POST graphql', 'PUT uploads', 'POST graphql']);
  });

  test.each(ways)('brings %s through a network that breaks again and again, once', async (_way, how) => {
    const { reports, onProgress } = progress();
    let cuts = 0;
    const asset = await byProxy().upload(movie, {
      ...how,
      onProgress: (each) => {
        onProgress(each);
        // Beyond what it has reached so far, each time.
        if (each.phase === 'sending' && each.sentBytes > (cuts + 1) * 4 * mebibyte && cuts < 4) {
          cuts += 1;
          proxy.cut();
        }
      },
    });
    expect(cuts).toBe(4);
    expect(asset.sha256).toBe(await sha256Of(movie));
    expectTrueProgress(reports, movie.size);
    expect(await client().page()).toMatchObject({ totalCount: 1 });
  });

  test('waits for a server that is away for a moment', async () => {
    let isAway = false;
    const asset = await byProxy().upload(movie, {
      via: 'session',
      onProgress: ({ sentBytes }) => {
        if (isAway || sentBytes < 10 * mebibyte) return;
        isAway = true;
        void proxy.refuse().then(() => setTimeout(() => void proxy.accept(), 200));
      },
    });
    expect(isAway).toBe(true);
    expect(asset.sha256).toBe(await sha256Of(movie));
  });

  test.each(ways)('sends %s anew when its connection stands still', async (_way, how) => {
    let hangs = 0;
    const asset = await byProxy({ stallMs: 300 }).upload(movie, {
      ...how,
      onProgress: ({ sentBytes }) => {
        if (hangs > 0 || sentBytes < 10 * mebibyte) return;
        hangs += 1;
        proxy.hang();
        // What hung stays lost, as in a network that forgot it.
        setTimeout(() => {
          proxy.cut();
          proxy.flow();
        }, 600);
      },
    });
    expect(hangs).toBe(1);
    expect(asset.sha256).toBe(await sha256Of(movie));
  });

  test.each(ways)('finds what %s has made when its last answer got lost', async (_way, how) => {
    let losses = 0;
    const lossy = client({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        const text = await response.text();
        if (/"(uploadVideo|completeUpload)":/.test(text) && losses === 0) {
          losses += 1;
          throw new TypeError('fetch failed');
        }
        return new Response(text, { status: response.status, headers: response.headers });
      },
    });
    const small = await film(200_000);
    const asset = await lossy.upload(small, how);
    expect(losses).toBe(1);
    expect(asset.sha256).toBe(await sha256Of(small));
    expect(await client().page()).toMatchObject({ totalCount: 1 });
  });

  describe('a server that fails at the very end', () => {
    let chunks = 0;
    /** Counts chunks. The table is away for as many requests that complete an upload as there are to fail. */
    const failing = (failures: number): typeof fetch => {
      let left = failures;
      chunks = 0;
      return async (input, init) => {
        if (init?.method === 'PUT' && init.body !== '') chunks += 1;
        if (left === 0 || !String(init?.body).includes('completeUpload(')) return await fetch(input, init);
        left -= 1;
        await query(server.databaseUrl, 'alter table media_assets rename to away');
        try {
          return await fetch(input, init);
        } finally {
          await query(server.databaseUrl, 'alter table away rename to media_assets');
        }
      };
    };

    test('is asked again, and no chunk is sent again', async () => {
      const asset = await client({ fetch: failing(2) }).upload(movie);
      expect(asset.sha256).toBe(await sha256Of(movie));
      expect(chunks).toBe(Math.ceil(movie.size / (8 * mebibyte)));
      expect(await client().page()).toMatchObject({ totalCount: 1 });
    });

    test('keeps what it holds for a later try, which sends nothing', async () => {
      const { entries, store } = memoryStore();
      const once = client({ fetch: failing(1), retry: { attempts: 1 } });
      await expect(once.upload(movie, { resume: store })).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
      expect(entries.size).toBe(1);
      const asset = await client({ fetch: failing(0) }).upload(movie, { resume: store });
      expect(asset.sha256).toBe(await sha256Of(movie));
      expect(chunks).toBe(0);
      expect(entries.size).toBe(0);
    });
  });

  describe.each(ways)('cancels %s', (_way, how) => {
    test.each([
      ['midway', ({ sentBytes, phase }: UploadProgress) => phase === 'sending' && sentBytes > 10 * mebibyte],
      ['when all is sent', ({ phase }: UploadProgress) => phase === 'finishing'],
      ['at its very beginning', () => true],
    ])('%s, and nothing is left', async (_when, isTime) => {
      const stop = new AbortController();
      const upload = client().upload(movie, {
        ...how,
        signal: stop.signal,
        onProgress: (each) => {
          if (isTime(each)) stop.abort();
        },
      });
      await expect(upload).rejects.toMatchObject({ name: 'AbortError' });
      await expectNothingLeft();
    });
  });

  test('pauses a session with a store, and goes on after a reload where it was', async () => {
    const { entries, store } = memoryStore();
    const stop = new AbortController();
    const pause = (each: UploadProgress): void => {
      if (each.sentBytes > 10 * mebibyte) stop.abort(new Error('Later'));
    };
    const paused = client().upload(movie, { resume: store, signal: stop.signal, onProgress: pause });
    await expect(paused).rejects.toThrow('Later');
    expect(entries.size).toBe(1);
    expect(JSON.stringify([...entries.keys()])).toContain('film.mp4');
    const { reports, onProgress } = progress();
    const picked = new File([movie], movie.name, { type: movie.type, lastModified: movie.lastModified });
    const asset = await client().upload(picked, { resume: store, onProgress });
    expect(asset.sha256).toBe(await sha256Of(movie));
    // The first report is nothing, the second what is held.
    expect(reports[1]?.sentBytes).toBeGreaterThanOrEqual(8 * mebibyte);
    expect(entries.size).toBe(0);
    expect(await client().page()).toMatchObject({ totalCount: 1 });
  });

  describe('two users of one browser', () => {
    const as = (bearer: string, options: Partial<ConnectionOptions> = {}) =>
      client({
        token: undefined,
        // As a token that the SDK cannot read.
        fetch: (input, init) => {
          const headers = new Headers(init?.headers);
          if (init?.method === 'POST') headers.set('authorization', `Bearer ${bearer}`);
          return fetch(input, { ...init, headers });
        },
        ...options,
      });
    const pausedBy = async (user: ReturnType<typeof client>) => {
      const { entries, store } = memoryStore();
      const stop = new AbortController();
      const onProgress = (each: UploadProgress) => each.sentBytes > 10 * mebibyte && stop.abort();
      await expect(user.upload(movie, { resume: store, signal: stop.signal, onProgress })).rejects.toThrow();
      return { entries, store };
    };

    test.each([
      ['tokens tell apart', (bearer: string) => client({ token: bearer })],
      ['the page tells apart', (bearer: string, scope: string) => as(bearer, { scope })],
    ])('that %s do not go on with each other’s uploads', async (_how, userOf) => {
      const bobs = await tokenOf('bob');
      const { entries, store } = await pausedBy(userOf(token, 'ada'));
      const bob = userOf(bobs, 'bob');
      const his = await bob.upload(movie, { resume: store });
      expect(his.sha256).toBe(await sha256Of(movie));
      await bob.delete(his.id);
      expect(entries.size).toBe(1);
      expect([...entries.keys()].join()).not.toContain('ada');
      // Her next token is another one.
      await sleep(1100);
      const { reports, onProgress } = progress();
      await userOf(await tokenOf('ada'), 'ada').upload(movie, { resume: store, onProgress });
      expect(reports[1]?.sentBytes).toBeGreaterThanOrEqual(8 * mebibyte);
      expect(entries.size).toBe(0);
    });

    test('that nothing tells apart both come to their end: the second begins anew', async () => {
      const { entries, store } = await pausedBy(as(token));
      const bob = as(await tokenOf('bob'));
      const his = await bob.upload(movie, { resume: store });
      expect(his.sha256).toBe(await sha256Of(movie));
      expect(entries.size).toBe(0);
      await bob.delete(his.id);
      for (const { id } of (await query(server.databaseUrl, 'select id from media_assets')) as { id: string }[])
        await client().delete(id);
    });
  });

  describe('a resume store that fails', () => {
    const failing = (method: 'get' | 'set' | 'delete') => ({
      ...memoryStore().store,
      [method]: () => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      },
    });

    test.each(['get', 'set', 'delete'] as const)('does not stop an upload: %s', async (method) => {
      const asset = await client().upload(movie, { resume: failing(method) });
      expect(asset.sha256).toBe(await sha256Of(movie));
      const rejecting = { ...memoryStore().store, [method]: () => Promise.reject(new Error('No')) };
      expect((await client().upload(movie, { resume: rejecting })).sha256).toBe(asset.sha256);
      expect(await client().page()).toMatchObject({ totalCount: 2 });
    });

    test('keeps nothing of an upload that is cancelled, as without a store', async () => {
      const stop = new AbortController();
      const cancelled = client().upload(movie, {
        resume: failing('set'),
        signal: stop.signal,
        onProgress: ({ sentBytes }) => sentBytes > 10 * mebibyte && stop.abort(),
      });
      await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
      await expectNothingLeft();
    });

    test('begins anew when it cannot forget what is gone', async () => {
      const store = failing('delete');
      const stop = new AbortController();
      const paused = client().upload(movie, {
        resume: store,
        signal: stop.signal,
        onProgress: ({ sentBytes }) => sentBytes > 0 && stop.abort(),
      });
      await expect(paused).rejects.toMatchObject({ name: 'AbortError' });
      const [row] = (await query(server.databaseUrl, 'select id from media_assets')) as { id: string }[];
      await client().delete(row?.id ?? '');
      const asset = await client().upload(movie, { resume: store });
      expect(asset.sha256).toBe(await sha256Of(movie));
    });
  });

  test('discards a paused upload at once', async () => {
    const { entries, store } = memoryStore();
    const stop = new AbortController();
    const paused = client().upload(movie, {
      resume: store,
      signal: stop.signal,
      onProgress: (each) => each.sentBytes > 0 && stop.abort(),
    });
    await expect(paused).rejects.toMatchObject({ name: 'AbortError' });
    expect(await query(server.databaseUrl, 'select id from media_assets')).toHaveLength(1);
    await client().discard(movie, store);
    expect(entries.size).toBe(0);
    await expectNothingLeft();
    await client().discard(movie, store);
  });

  test('begins anew when what it had paused is gone, and finds what was completed meanwhile', async () => {
    const { entries, store } = memoryStore();
    const stop = new AbortController();
    const paused = client().upload(movie, {
      resume: store,
      signal: stop.signal,
      onProgress: (each) => each.sentBytes > 0 && stop.abort(),
    });
    await expect(paused).rejects.toThrow();
    const [[key = '', note = ''] = []] = entries;
    await client().delete((JSON.parse(note) as { id: string }).id);
    const asset = await client().upload(movie, { resume: store });
    expect(asset.sha256).toBe(await sha256Of(movie));
    expect(entries.size).toBe(0);
    // As if the page had crashed before it could note that the upload was complete.
    entries.set(key, note.replace((JSON.parse(note) as { id: string }).id, asset.id));
    const again = await client().upload(movie, { resume: store });
    expect(again.sha256).toBe(asset.sha256);
  });

  test('does not let two uploads of one file at once share a session', async () => {
    const { store } = memoryStore();
    const one = client();
    const [first, second] = await Promise.all([one.upload(movie, { resume: store }), one.upload(movie, { resume: store })]);
    expect(first.id).not.toBe(second.id);
    expect([first.sha256, second.sha256]).toEqual([await sha256Of(movie), await sha256Of(movie)]);
  });

  test('tells by its code why a session is refused, and nothing is left', async () => {
    const refused = async (file: File, how: UploadOptions = {}) => await client().upload(file, { via: 'session', ...how });
    const text = new File(['words '.repeat(1000)], 'a.mp4', { type: 'video/mp4' });
    await expect(refused(text)).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
    const torn = new File([movie.slice(0, 100_000)], 'torn.mp4', { type: 'video/mp4' });
    await expect(refused(torn)).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
    const large = new File([new Uint8Array(200_000)], 'large.png', { type: 'image/png' });
    await expect(refused(large)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    const { entries, store } = memoryStore();
    await expect(refused(torn, { resume: store })).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
    expect(entries.size).toBe(0);
    await expectNothingLeft();
  });
});

describe('the SDK and a server process', () => {
  let dataDir: string;
  const runs: Run[] = [];

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mediakeep-sdk-'));
  });

  afterAll(async () => {
    for (const { child, ended } of runs) {
      child.kill('SIGTERM');
      await ended;
    }
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (port: number): Promise<Run> => {
    const server = run('main', { PORT: String(port), DATA_DIR: dataDir });
    runs.push(server);
    await server.printed(/ready at (http:\S+)/);
    return server;
  };

  test('an upload goes on when the server was killed at 60 % and started again, and sends no chunk but one twice', async () => {
    const port = await freePort();
    const first = await start(port);
    const token = await first.printed(/^(eyJ\S+)$/m);
    const movie = await film(40 * mebibyte);
    let sentBytes = 0;
    let restarted: Promise<Run> | undefined;
    const client = createClient({
      url: `http://127.0.0.1:${port}`,
      token,
      retry: { attempts: 30, maxDelayMs: 500 },
      fetch: (input, init) => {
        const range = new Headers(init?.headers).get('content-range');
        const [, from, to] = /bytes (\d+)-(\d+)/.exec(range ?? '') ?? [];
        if (from !== undefined) sentBytes += Number(to) + 1 - Number(from);
        return fetch(input, init);
      },
    });
    const asset = await client.upload(movie, {
      onProgress: (each) => {
        if (restarted !== undefined || each.sentBytes < 0.6 * movie.size) return;
        first.child.kill('SIGKILL');
        restarted = first.ended.then(() => start(port));
      },
    });
    expect(restarted).toBeDefined();
    await restarted;
    expect(asset.sha256).toBe(await sha256Of(movie));
    expect(sentBytes).toBeLessThanOrEqual(movie.size + 8 * mebibyte);
  }, 120_000);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('No port');
  return address.port;
}
