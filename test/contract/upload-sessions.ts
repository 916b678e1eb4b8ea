import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import type { AnnouncedUpload, ObjectStorage, StoredObject } from '../../src/media/ports.ts';
import type { SessionSender, Standing } from '../support/session-sender.ts';
import { bytesOf, streamOf } from './byte-sources.ts';
import { newKey } from './storage-under-test.ts';

/** Chunks that are not the last are multiples of this. */
const stepBytes = 256 * 1024;

/** A storage with sessions, as a contract test opens it. */
export interface OpenedSessions {
  readonly storage: ObjectStorage;
  /** Whoever sends into the session that was opened for a key. */
  senderOf(key: string, uri: string | undefined): SessionSender;
  /** What is about besides whole objects. Empty when the storage is at rest. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** What every adapter of the port UploadSessions has to do. */
export function describeUploadSessions(name: string, open: () => Promise<OpenedSessions>): void {
  describe(`the upload sessions of ${name}`, () => {
    const total = 4 * stepBytes + 12_345;
    const bytes = bytesOf(total);
    const facts: StoredObject = { sizeBytes: total, crc32c: crc32c(bytes) };
    const { signal } = new AbortController();
    let opened: OpenedSessions;
    let storage: ObjectStorage;
    let key: string;
    let uri: string | undefined;
    let sender: SessionSender;

    beforeAll(async () => {
      opened = await open();
      ({ storage } = opened);
    });
    beforeEach(async () => {
      key = newKey();
      uri = await storage.sessions.open(key, announced(total));
      sender = opened.senderOf(key, uri);
    });
    afterEach(async () => {
      await storage.sessions.cancel(key, uri, signal);
      await storage.removeAll(key.slice(0, 37), signal);
      expect(await opened.leftovers()).toEqual([]);
    });
    afterAll(async () => await opened.close());

    const announced = (sizeBytes: number): AnnouncedUpload => {
      const metadata = { assetId: key.slice(0, 36) };
      return { sizeBytes, contentType: 'video/mp4', filename: 'a film.mp4', metadata, origin: undefined, signal };
    };
    const part = (from: number, to = total, checksum?: number): Promise<Standing | 'refused'> => {
      const rest = { offset: from, totalBytes: total, ...(checksum !== undefined && { crc32c: checksum }) };
      return sender.send(bytes.subarray(from, to), rest);
    };
    const expectObject = async (expected = bytes): Promise<void> => {
      const stream = await storage.read(key, { signal });
      expect(Buffer.concat(await stream.toArray()).equals(expected)).toBe(true);
      expect(await storage.stat(key, signal)).toEqual({ sizeBytes: expected.length, crc32c: crc32c(expected) });
    };
    const expectNothing = async (): Promise<void> => expect(await storage.stat(key, signal)).toBeUndefined();

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

    test('an empty file is an object too', async () => {
      const empty = newKey();
      const emptyUri = await storage.sessions.open(empty, announced(0));
      expect(await opened.senderOf(empty, emptyUri).send(Buffer.alloc(0), { offset: 0, totalBytes: 0 })).toBe('finished');
      expect(await storage.stat(empty, signal)).toEqual({ sizeBytes: 0, crc32c: 0 });
      await storage.removeAll(empty.slice(0, 37), signal);
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
      expect(await opened.senderOf(key, uri).send(more, { offset: 0, totalBytes: total })).toBe('refused');
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
      const again = storage.sessions.receiver?.finish(key, { ...facts, signal }) ?? storage.stat(key, signal);
      expect(await again).toEqual(facts);
      await expectObject();
    });

    test('an object that came to be meanwhile stays as it is', async () => {
      const other = bytesOf(1000, 2);
      await storage.put(key, streamOf(other), { ...announced(1000) });
      expect(await part(0)).toBe('refused');
      await expectObject(other);
    });

    test('a session for a key that is taken makes nothing', async () => {
      await part(0);
      const late = await storage.sessions.open(key, announced(10)).then(
        (second) => opened.senderOf(key, second),
        () => undefined,
      );
      const answer = await late?.send(bytesOf(10, 3), { offset: 0, totalBytes: 10 });
      expect([undefined, 'refused']).toContain(answer);
      await expectObject();
    });

    test('a cancelled session takes nothing, makes nothing, and can be cancelled again', async () => {
      await part(0, stepBytes);
      await storage.sessions.cancel(key, uri, signal);
      await storage.sessions.cancel(key, uri, signal);
      expect(await sender.standing()).toBe('gone');
      expect(await part(stepBytes)).toBe('gone');
      await expectNothing();
    });

    test('a cancel while bytes are on their way leaves nothing', async () => {
      const running = await sender.hang(bytes.subarray(0, stepBytes), { offset: 0, totalBytes: total });
      await storage.sessions.cancel(key, uri, signal);
      await running.breakOff();
      expect(await sender.standing()).toBe('gone');
      await expectNothing();
    });

    test('a cancel after the end leaves the object', async () => {
      await part(0);
      await storage.sessions.cancel(key, uri, signal);
      await expectObject();
    });

    test('of a cancel and an end at the same time one wins: afterwards there is a whole object or none, for good', async () => {
      await part(0, 3 * stepBytes);
      const [answer] = await Promise.allSettled([part(3 * stepBytes), storage.sessions.cancel(key, uri, signal)]);
      const found = await storage.stat(key, signal);
      if (answer.status === 'fulfilled' && answer.value === 'finished') expect(found).toEqual(facts);
      expect([undefined, facts]).toContainEqual(found);
      expect(await part(3 * stepBytes).catch(() => 'gone')).toMatch(/^(finished|gone)$/);
      expect(await storage.stat(key, signal)).toEqual(found);
    });

    test('cancelling what never was is no error', async () => {
      await expect(storage.sessions.cancel(newKey(), undefined, signal)).resolves.toBeUndefined();
    });
  });
}
