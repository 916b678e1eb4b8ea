import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { MediakeepError } from '../../src/errors.ts';
import { mostPending } from '../../src/media/direct-uploads.ts';
import type { IncomingSession } from '../../src/media/incoming-session.ts';
import { LinkSigner } from '../../src/media/links.ts';
import { headerOnlyImages, type MemoryLibrary, memoryLibrary, mp4Of, pngOf, silent } from '../support/memory.ts';

const announced = (bytes: Buffer, kind: 'IMAGE' | 'VIDEO' = 'IMAGE') => ({
  kind,
  filename: 'a',
  mimeType: 'application/octet-stream',
  size: bytes.length,
});

async function sessionOf({ library }: MemoryLibrary, url: string): Promise<IncomingSession> {
  const { pathname, searchParams } = new URL(url);
  const session = await library.openSession(pathname.split('/').at(-1) ?? '', {
    expires: searchParams.get('expires') ?? undefined,
    signature: searchParams.get('signature') ?? undefined,
  });
  if (session === undefined || session === 'OVER') throw new Error('There is no session');
  return session;
}

/** Announces a file and sends all of it. */
async function sent(memory: MemoryLibrary, bytes: Buffer, kind: 'IMAGE' | 'VIDEO' = 'IMAGE'): Promise<string> {
  const { id, url } = await memory.library.createUpload('ada', announced(bytes, kind));
  const session = await sessionOf(memory, url);
  await session.receive(Readable.from([bytes], { objectMode: false }), { offset: 0, limitBytes: bytes.length });
  await session.finish(undefined);
  return id;
}

function unavailable(): MediakeepError {
  return new MediakeepError('STORAGE_UNAVAILABLE', 'The storage does not answer.');
}

describe('a direct upload', () => {
  test('gives signs of life while it is proved, as often as a short grace asks for', async () => {
    const memory = memoryLibrary({}, silent, { uploadGraceSeconds: 1 });
    const id = await sent(memory, pngOf(100));
    let claims = 0;
    const claim = memory.store.claimCompletion.bind(memory.store);
    memory.store.claimCompletion = async (...args) => {
      claims += 1;
      return await claim(...args);
    };
    const stat = memory.storage.stat.bind(memory.storage);
    memory.storage.stat = async (...args) => {
      await sleep(1200);
      return await stat(...args);
    };
    expect((await memory.library.completeUpload('ada', id)).state).toBe('READY');
    expect(claims).toBeGreaterThanOrEqual(4);
  });

  test('that the storage opens no session for leaves nothing', async () => {
    const memory = memoryLibrary();
    memory.storage.sessions.open = async () => {
      throw unavailable();
    };
    await expect(memory.library.createUpload('ada', announced(pngOf(100)))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    expect(memory.store.rows.size).toBe(0);
  });

  test('that was taken away while its session was opened ends the session and is not handed out', async () => {
    const memory = memoryLibrary();
    const cancelled: unknown[] = [];
    Object.assign(memory.storage.sessions, {
      open: async () => 'https://bucket.example/session',
      cancel: async (_key: string, uri: string | undefined) => {
        cancelled.push(uri);
      },
    });
    memory.store.keepSession = async () => false;
    await expect(memory.library.createUpload('ada', announced(pngOf(100)))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    expect(cancelled).toEqual(['https://bucket.example/session']);
    expect(memory.store.rows.size).toBe(0);
  });

  test('on a bucket is handed out with the session’s own address', async () => {
    const memory = memoryLibrary();
    Object.assign(memory.storage.sessions, { open: async () => 'https://bucket.example/session' });
    const { id, url } = await memory.library.createUpload('ada', announced(pngOf(100)));
    expect(url).toBe('https://bucket.example/session');
    expect((await memory.store.findPending(id))?.session).toEqual({ uri: 'https://bucket.example/session' });
  });

  test(`is one of at most ${mostPending} of a user`, async () => {
    const memory = memoryLibrary();
    memory.store.countPending = async (ownerId) => (ownerId === 'ada' ? mostPending : 0);
    await expect(memory.library.createUpload('ada', announced(pngOf(100)))).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterSeconds: 60,
    });
    expect(memory.store.rows.size).toBe(0);
    await memory.library.createUpload('bob', announced(pngOf(100)));
  });

  test('whose session cannot be ended keeps its row when it is deleted, until a sweep can end it; its bytes stay until then', async () => {
    const memory = memoryLibrary();
    const id = await sent(memory, pngOf(100));
    const cancel = memory.storage.sessions.cancel.bind(memory.storage.sessions);
    memory.storage.sessions.cancel = async () => {
      throw unavailable();
    };
    expect(await memory.library.remove('ada', id)).toEqual({ id, purged: false });
    expect(memory.store.rows.get(id)?.state).toBe('DELETING');
    expect(await memory.library.sweep()).toBe(0);
    expect(memory.storage.objects.size).toBe(1);
    memory.storage.sessions.cancel = cancel;
    expect(await memory.library.sweep()).toBe(1);
    expect([memory.store.rows.size, memory.storage.objects.size, memory.storage.sessions.live.length]).toEqual([0, 0, 0]);
  });

  test('that there is no room to prove now stays as it is, and is completed by another try', async () => {
    let busy = true;
    const images = {
      ...headerOnlyImages,
      inspect: async (...[bytes, options]: Parameters<typeof headerOnlyImages.inspect>) => {
        if (busy) throw new MediakeepError('OVERLOADED', 'No room now.', { retryAfterSeconds: 2 });
        return await headerOnlyImages.inspect(bytes, options);
      },
    };
    const memory = memoryLibrary({}, silent, { images });
    const id = await sent(memory, pngOf(100));
    await expect(memory.library.completeUpload('ada', id)).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 2 });
    await expect(memory.library.completeArrived(id)).rejects.toMatchObject({ code: 'OVERLOADED' });
    busy = false;
    expect(await memory.library.completeUpload('ada', id)).toMatchObject({ id, state: 'READY' });
  });

  test('that the storage does not answer for stays as it is', async () => {
    const memory = memoryLibrary();
    const id = await sent(memory, mp4Of(10_000), 'VIDEO');
    memory.storage.failing = true;
    await expect(memory.library.completeUpload('ada', id)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(memory.library.completeArrived(id)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    memory.storage.failing = false;
    expect(await memory.library.completeUpload('ada', id)).toMatchObject({ id, state: 'READY', sizeBytes: 10_000 });
  });

  test.each([
    ['an image', pngOf(200), 'IMAGE'],
    ['a video', mp4Of(10_000), 'VIDEO'],
  ] as const)(
    'of %s that is read otherwise than it is stored becomes no asset, and is not taken away',
    async (_what, bytes, kind) => {
      const memory = memoryLibrary();
      const id = await sent(memory, bytes, kind);
      const stat = memory.storage.stat.bind(memory.storage);
      memory.storage.stat = async (key) => {
        const stored = await stat(key);
        return stored && { ...stored, crc32c: stored.crc32c ^ 1 };
      };
      await expect(memory.library.completeUpload('ada', id)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      memory.storage.stat = stat;
      expect(await memory.library.completeUpload('ada', id)).toMatchObject({ id });
    },
  );

  test('out of which something is cut takes the place of what was sent; when that fails, nothing is left', async () => {
    const images = {
      ...headerOnlyImages,
      cutLocation: (bytes: Buffer) => {
        bytes.fill(0, bytes.length - 10);
        return true;
      },
    };
    const memory = memoryLibrary({}, silent, { images, stripsLocation: true });
    const id = await sent(memory, pngOf(100));
    const asset = await memory.library.completeUpload('ada', id);
    const [stored] = [...memory.storage.objects.values()];
    expect(stored?.subarray(-11).toString('hex')).toBe(`07${'00'.repeat(10)}`);
    expect(asset.sizeBytes).toBe(100);

    const other = await sent(memory, pngOf(100));
    memory.storage.put = async () => {
      throw unavailable();
    };
    await expect(memory.library.completeUpload('ada', other)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect([...memory.store.rows.keys()]).toEqual([id]);
    expect(memory.storage.objects.size).toBe(1);
  });

  test('is proved once when it is asked for many times in one process', async () => {
    let inspected = 0;
    const images = {
      ...headerOnlyImages,
      inspect: async (...[bytes, options]: Parameters<typeof headerOnlyImages.inspect>) => {
        inspected += 1;
        return await headerOnlyImages.inspect(bytes, options);
      },
    };
    const memory = memoryLibrary({ maxUploadsPerUser: 1 }, silent, { images });
    const id = await sent(memory, pngOf(100));
    const assets = await Promise.all(Array.from({ length: 10 }, () => memory.library.completeUpload('ada', id)));
    expect(new Set(assets.map((asset) => asset.id))).toEqual(new Set([id]));
    expect(inspected).toBe(1);
  });

  test('whose link has run out is over; another id, or another end, makes it no link of ours', async () => {
    let now = new Date();
    const clock = (): Date => now;
    const links = new LinkSigner({ secret: 'links of a test', baseUrl: () => 'http://media.test', clock });
    const memory = memoryLibrary({}, silent, { uploadSessionSeconds: 60, clock, links });
    const { id, url, expiresAt } = await memory.library.createUpload('ada', announced(pngOf(100)));
    const { expires = '', signature = '' } = Object.fromEntries(new URL(url).searchParams);
    expect(Number(expires) * 1000).toBe(expiresAt.getTime());
    expect(await memory.library.openSession(id, { expires, signature })).toMatchObject({ sizeBytes: 100 });
    const another = id.endsWith('0') ? id.replace(/.$/, '1') : id.replace(/.$/, '0');
    expect(await memory.library.openSession(another, { expires, signature })).toBeUndefined();
    expect(await memory.library.openSession(id, { expires: String(Number(expires) + 1), signature })).toBeUndefined();
    now = expiresAt;
    expect(await memory.library.openSession(id, { expires, signature })).toBe('OVER');
  });
});
