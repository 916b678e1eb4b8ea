import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { ByteRange, ObjectStorage, StoredObject } from '../../src/media/ports.ts';

/** A storage as a contract test opens it. */
export interface OpenedStorage {
  readonly storage: ObjectStorage;
  /** What is about besides whole objects: drafts, upload sessions, open files, busy sockets. Empty when the storage is at rest. */
  leftovers(): Promise<string[]>;
  /** Bytes of objects that the storage's stand-in keeps in this process's memory; without it, none. */
  heldBytes?(): number;
  close(): Promise<void>;
}

/** An opened storage, and what the cases of the contract keep asking of it. */
export class StorageUnderTest {
  readonly opened: OpenedStorage;
  readonly storage: ObjectStorage;
  readonly signal = new AbortController().signal;

  constructor(opened: OpenedStorage) {
    this.opened = opened;
    this.storage = opened.storage;
  }

  /** Every put of the suite: whatever becomes of it, its source must be over afterwards. */
  async put(key: string, source: Readable, signal: AbortSignal = this.signal): Promise<StoredObject> {
    const metadata = { assetId: key.slice(0, 36) };
    try {
      return await this.storage.put(key, source, { contentType: 'video/mp4', filename: 'a film.mp4', metadata, signal });
    } finally {
      expect(source.destroyed || source.readableEnded).toBe(true);
    }
  }

  async bytesAt(key: string, range?: ByteRange): Promise<Buffer> {
    const stream = await this.storage.read(key, { signal: this.signal, ...(range && { range }) });
    return Buffer.concat(await stream.toArray());
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    return await this.storage.stat(key, this.signal);
  }

  async removeAll(prefix: string): Promise<void> {
    await this.storage.removeAll(prefix, this.signal);
  }

  async expectNothingAt(key: string): Promise<void> {
    expect(await this.stat(key)).toBeUndefined();
    await expect(this.storage.read(key, { signal: this.signal })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }

  /** What is left over once everything that is being closed has had a moment to close: 2 s at most. */
  async rest(): Promise<string[]> {
    let rest = await this.opened.leftovers();
    for (let round = 0; round < 100 && rest.length > 0; round += 1) {
      await pause(20);
      rest = await this.opened.leftovers();
    }
    return rest;
  }
}

/** A key that no other case uses. */
export function newKey(): string {
  return `${randomUUID()}/original`;
}
