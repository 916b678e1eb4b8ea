import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import type { AnnouncedUpload, ObjectStorage, StoredObject } from '../../src/media/ports.ts';
import type { SessionSender, Standing } from '../support/session-sender.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { newKey } from './storage-under-test.ts';

/** Chunks that are not the last are multiples of this. */
const stepBytes = 256 * 1024;

/** Where sessions are opened, as a contract test has it. */
export interface OpenedSessions {
  /** Where their objects appear. */
  readonly storage: Pick<ObjectStorage, 'read' | 'stat' | 'removeAll'>;
  /** Opens a session for a file of so many bytes. */
  open(sizeBytes: number): Promise<OpenSession>;
  /** What is about besides whole objects. Empty at rest. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

export interface OpenSession {
  /** Of the object to come. */
  readonly key: string;
  readonly sender: SessionSender;
  cancel(): Promise<void>;
}

/** The sentences of the protocol, whoever speaks it: what a client may rely on. */
export function describeUploadSessions(name: string, openAll: () => Promise<OpenedSessions>): void {
  describe(`upload sessions: ${name}`, () => {
    const total = 4 * stepBytes + 12_345;
    const bytes = bytesOf(total);
    const facts: StoredObject = { sizeBytes: total, crc32c: crc32c(bytes) };
    const { signal } = new AbortController();
    let opened: OpenedSessions;
    let session: OpenSession;
    let sender: SessionSender;

    beforeAll(async () => {
      opened = await openAll();
    });
    beforeEach(async () => {
      session = await opened.open(total);
      ({ sender } = session);
    });
    afterEach(async () => {
      await session.cancel();
      await opened.storage.removeAll(session.key.slice(0, 37), signal);
      expect(await opened.leftovers()).toEqual([]);
    });
    afterAll(async () => await opened.close());

    const part = (from: number, to = total, checksum?: number): Promise<Standing | 'refused'> => {
      const rest = { offset: from, totalBytes: total, ...(checksum !== undefined && { crc32c: checksum }) };
      return sender.send(bytes.subarray(from, to), rest);
    };
    const found = (): Promise<StoredObject | undefined> => opened.storage.stat(session.key, signal);
    const expectObject = async (): Promise<void> => {
      expect((await bytesAt(opened.storage, session.key)).equals(bytes)).toBe(true);
      expect(await found()).toEqual(facts);
    };
    const expectNothing = async (): Promise<void> => expect(await found()).toBeUndefined();

    test('a whole file in one request becomes the object', async () => {
      expect(await part(0, total, facts.crc32c)).toBe('finished');
      await expectObject();
    });

    test('chunks become the object with the last one, and are not visible before', async () => {
      expect(await sender.standing()).toBe(0);
      expect(await part(0, stepBytes)).toBe(stepBytes);
      expect(await part(stepBytes, 3 * stepBytes)).toBe(3 * stepBytes);
      expect(await sender.standing()).toBe(3 * stepBytes);
      await expectNothing();
      expect(await part(3 * stepBytes, total, facts.crc32c)).toBe('finished');
      await expectObject();
    });

    test('what is held already is skipped, and a gap is refused and changes nothing', async () => {
      await part(0, 2 * stepBytes);
      expect(await part(stepBytes, 3 * stepBytes)).toBe(3 * stepBytes);
      expect(await part(0, stepBytes)).toBe(3 * stepBytes);
      expect(await sender.send(bytesOf(stepBytes, 1), { offset: 3 * stepBytes + 1, totalBytes: total })).toBe('refused');
      expect(await sender.standing()).toBe(3 * stepBytes);
      expect(await part(2 * stepBytes)).toBe('finished');
      await expectObject();
    });

    test('other bytes at places that are held do not change them', async () => {
      await part(0, 2 * stepBytes);
      const other = Buffer.concat([bytesOf(2 * stepBytes, 1), bytes.subarray(2 * stepBytes)]);
      expect(await sender.send(other, { offset: 0, totalBytes: total, crc32c: facts.crc32c })).toBe('finished');
      await expectObject();
    });

    test('more bytes than were announced never become an object', async () => {
      const more = Buffer.concat([bytes, Buffer.from('!')]);
      expect(await sender.send(more, { offset: 0, totalBytes: total })).toBe('refused');
      await expectNothing();
    });

    test('another checksum than that of the bytes never becomes an object', async () => {
      expect(await part(0, total, facts.crc32c ^ 1)).toBe('refused');
      await expectNothing();
    });

    test('a connection that breaks leaves what arrived, to the last step of 256 KiB, and the upload goes on from there', async () => {
      const { breakOff } = await sender.hang(bytes.subarray(0, 3 * stepBytes + 5_000), { offset: 0, totalBytes: total });
      await breakOff();
      const held = await sender.standing();
      expect(held).toBeGreaterThanOrEqual(3 * stepBytes);
      expect(held).toBeLessThanOrEqual(3 * stepBytes + 5_000);
      await expectNothing();
      expect(await part(Number(held), total, facts.crc32c)).toBe('finished');
      await expectObject();
    });

    test('a request that goes on wins over an older one that hangs, and the older changes nothing any more', async () => {
      await part(0, stepBytes);
      const older = await sender.hang(bytes.subarray(stepBytes, 2 * stepBytes), { offset: stepBytes, totalBytes: total });
      const held = Number(await sender.standing());
      expect(await part(held, total, facts.crc32c)).toBe('finished');
      await older.breakOff();
      await expectObject();
    });

    test('many requests at once end in one right object or in a session that can go on', async () => {
      const sent = await Promise.allSettled(Array.from({ length: 8 }, () => part(0, total, facts.crc32c)));
      if (!sent.some((each) => each.status === 'fulfilled' && each.value === 'finished')) {
        expect(await part(Number(await sender.standing()), total, facts.crc32c)).toBe('finished');
      }
      await expectObject();
    });

    test('a finished session answers with its object, whatever is asked of it', async () => {
      await part(0);
      expect(await part(0, total)).toMatch(/^(finished|gone)$/);
      expect(await sender.standing()).toMatch(/^(finished|gone)$/);
      await expectObject();
    });

    test('a cancelled session takes nothing, makes nothing, and can be cancelled again', async () => {
      await part(0, stepBytes);
      await session.cancel();
      await session.cancel();
      expect(await sender.standing()).toBe('gone');
      expect(await part(stepBytes)).toBe('gone');
      await expectNothing();
    });

    test('a cancel while bytes are on their way leaves nothing', async () => {
      const running = await sender.hang(bytes.subarray(0, stepBytes), { offset: 0, totalBytes: total });
      await session.cancel();
      await running.breakOff();
      expect(await sender.standing()).toBe('gone');
      await expectNothing();
    });

    test('of a cancel and an end at the same time one wins: afterwards there is a whole object or none, for good', async () => {
      await part(0, 3 * stepBytes);
      const [answer] = await Promise.allSettled([part(3 * stepBytes), session.cancel()]);
      const object = await found();
      if (answer.status === 'fulfilled' && answer.value === 'finished') expect(object).toEqual(facts);
      expect([undefined, facts]).toContainEqual(object);
      expect(await part(3 * stepBytes).catch(() => 'gone')).toMatch(/^(finished|gone)$/);
      expect(await found()).toEqual(object);
    });
  });
}

/** What is left of the port UploadSessions: what only the application asks of it. */
export function describeSessionsOfStorage(
  name: string,
  openAll: () => Promise<{ storage: ObjectStorage; senderOf: SenderOf; close(): Promise<void> }>,
): void {
  describe(`the upload sessions of ${name}`, () => {
    const bytes = bytesOf(1000);
    const { signal } = new AbortController();
    let opened: Awaited<ReturnType<typeof openAll>>;
    let storage: ObjectStorage;
    let key: string;

    beforeAll(async () => {
      opened = await openAll();
      ({ storage } = opened);
    });
    beforeEach(() => {
      key = newKey();
    });
    afterAll(async () => await opened.close());

    const send = async (uri: string | undefined, sent = bytes): Promise<Standing | 'refused'> =>
      await opened.senderOf(key, uri).send(sent, { offset: 0, totalBytes: sent.length });

    test('an empty file is an object too', async () => {
      const uri = await storage.sessions.open(key, announced(key, 0));
      expect(await send(uri, Buffer.alloc(0))).toBe('finished');
      expect(await storage.stat(key, signal)).toEqual({ sizeBytes: 0, crc32c: 0 });
    });

    test('an object that came to be meanwhile stays as it is', async () => {
      const uri = await storage.sessions.open(key, announced(key, 1000));
      const other = bytesOf(500, 2);
      await storage.put(key, streamOf(other), announced(key, 500));
      expect(await send(uri)).toBe('refused');
      expect((await bytesAt(storage, key)).equals(other)).toBe(true);
    });

    test('a session for a key that is taken makes nothing', async () => {
      await storage.put(key, streamOf(bytes), announced(key, 1000));
      const late = await storage.sessions.open(key, announced(key, 10)).then(
        (uri) => ({ uri }),
        () => undefined,
      );
      if (late !== undefined) expect(await send(late.uri, bytesOf(10, 3))).toBe('refused');
      expect((await bytesAt(storage, key)).equals(bytes)).toBe(true);
    });

    test('finishing again answers the same object, and another size or checksum is still refused', async () => {
      await send(await storage.sessions.open(key, announced(key, 1000)));
      const { receiver } = storage.sessions;
      const facts = { sizeBytes: 1000, crc32c: crc32c(bytes) };
      expect(await storage.stat(key, signal)).toEqual(facts);
      if (receiver === undefined) return;
      expect(await receiver.finish(key, { ...facts, signal })).toEqual(facts);
      await expect(receiver.finish(key, { ...facts, sizeBytes: 999, signal })).rejects.toBeInstanceOf(RangeError);
      const wrong = receiver.finish(key, { ...facts, crc32c: facts.crc32c ^ 1, signal });
      await expect(wrong).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
    });

    test('a cancel after the end leaves the object', async () => {
      const uri = await storage.sessions.open(key, announced(key, 1000));
      await send(uri);
      await storage.sessions.cancel(key, uri, signal);
      expect((await bytesAt(storage, key)).equals(bytes)).toBe(true);
    });

    test('cancelling what never was is no error', async () => {
      await expect(storage.sessions.cancel(key, undefined, signal)).resolves.toBeUndefined();
    });
  });
}

/** Whoever sends into the session that was opened for a key. */
export type SenderOf = (key: string, uri: string | undefined) => SessionSender;

/** The sessions of a storage, as {@link describeUploadSessions} opens them. */
export function openIn(storage: ObjectStorage, senderOf: SenderOf): OpenedSessions['open'] {
  return async (sizeBytes) => {
    const key = newKey();
    const uri = await storage.sessions.open(key, announced(key, sizeBytes));
    const cancel = (): Promise<void> => storage.sessions.cancel(key, uri, new AbortController().signal);
    return { key, sender: senderOf(key, uri), cancel };
  };
}

function announced(key: string, sizeBytes: number): AnnouncedUpload {
  const metadata = { assetId: key.slice(0, 36) };
  const { signal } = new AbortController();
  return { sizeBytes, contentType: 'video/mp4', filename: 'a film.mp4', metadata, origin: undefined, signal };
}

async function bytesAt(storage: Pick<ObjectStorage, 'read'>, key: string): Promise<Buffer> {
  const stream = await storage.read(key, { signal: new AbortController().signal });
  return Buffer.concat(await stream.toArray());
}
