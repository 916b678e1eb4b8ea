import { expect, test } from '@jest/globals';
import { OtherObject, wholeObject } from '../../src/media/whole-object.ts';
import { MemoryStorage } from '../support/memory.ts';

/** Shows what it holds in pieces of 4 bytes. */
class PiecemealStorage extends MemoryStorage {
  pieces = 0;

  override async scan(...[key, see, signal]: Parameters<MemoryStorage['scan']>): Promise<void> {
    const showAll = (bytes: Buffer): void => {
      for (let at = 0; at < bytes.length; at += 4) {
        this.pieces += 1;
        see(bytes.subarray(at, at + 4));
      }
    };
    await super.scan(key, showAll, signal);
  }
}

const bytes = Buffer.from('0123456789');
const { signal } = new AbortController();

test('an object is read whole', async () => {
  const storage = new PiecemealStorage();
  storage.objects.set('key', bytes);
  expect(await wholeObject(storage, 'key', { sizeBytes: 10, signal })).toEqual(bytes);
});

test.each([0, 3, 4, 8, 9, 11, 20])('an object of 10 bytes is refused where %d are expected', async (sizeBytes) => {
  const storage = new PiecemealStorage();
  storage.objects.set('key', bytes);
  const refusal = await wholeObject(storage, 'key', { sizeBytes, signal }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(OtherObject);
  expect(refusal).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
});

test('an object that is larger than expected is not read to its end', async () => {
  const storage = new PiecemealStorage();
  storage.objects.set('key', Buffer.alloc(4000));
  await expect(wholeObject(storage, 'key', { sizeBytes: 10, signal })).rejects.toBeInstanceOf(OtherObject);
  expect(storage.pieces).toBe(3);
});

test('an object that is not there is NOT_FOUND', async () => {
  await expect(wholeObject(new PiecemealStorage(), 'key', { sizeBytes: 10, signal })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});
