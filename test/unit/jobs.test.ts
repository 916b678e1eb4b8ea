import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { startSweeping } from '../../src/media/jobs.ts';
import { memoryLibrary, mp4Of, silent } from '../support/memory.ts';

const uploadTo = async ({ library }: ReturnType<typeof memoryLibrary>): Promise<string> => {
  const source = Readable.from([mp4Of(100)], { objectMode: false });
  return (await library.upload('ada', { kind: 'VIDEO', filename: 'a.mp4', source })).id;
};

describe('the sweep', () => {
  test('runs at once, and again after its interval', async () => {
    const memory = memoryLibrary();
    const [first, second] = [await uploadTo(memory), await uploadTo(memory)];
    await memory.store.startDeletion('ada', first);
    const sweeping = startSweeping(memory.library, { intervalSeconds: 0.2, log: silent });
    await sleep(50);
    expect([...memory.store.rows.keys()]).toEqual([second]);
    await memory.store.startDeletion('ada', second);
    await sleep(300);
    await sweeping.close();
    expect(memory.store.rows.size).toBe(0);
    expect(memory.storage.objects.size).toBe(0);
  });

  test('that the storage does not answer is ended by closing, and leaves the row to the next one', async () => {
    const memory = memoryLibrary();
    const id = await uploadTo(memory);
    await memory.store.startDeletion('ada', id);
    memory.storage.removeAll = (_prefix: string, signal?: AbortSignal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
    const sweeping = startSweeping(memory.library, { intervalSeconds: 60, log: silent });
    await sleep(20);
    const closedAt = performance.now();
    await sweeping.close();
    expect(performance.now() - closedAt).toBeLessThan(500);
    expect(memory.store.rows.get(id)?.state).toBe('DELETING');
  });

  test('asks a storage that takes nothing away once for a batch, however many rows wait', async () => {
    const memory = memoryLibrary();
    const ids = await Promise.all(Array.from({ length: 50 }, () => uploadTo(memory)));
    for (const id of ids) await memory.store.startDeletion('ada', id);
    let asked = 0;
    memory.storage.removeAll = async () => {
      asked += 1;
      throw new Error('not now');
    };
    expect(await memory.library.sweep()).toBe(0);
    expect(asked).toBe(50);
  });

  test('that fails is tried again at its next turn', async () => {
    const memory = memoryLibrary();
    const id = await uploadTo(memory);
    await memory.store.startDeletion('ada', id);
    const claim = memory.store.claimUnfinished.bind(memory.store);
    let turns = 0;
    memory.store.claimUnfinished = async () => {
      turns += 1;
      if (turns === 1) throw new Error('the database is away');
      return await claim();
    };
    const sweeping = startSweeping(memory.library, { intervalSeconds: 0.05, log: silent });
    await sleep(200);
    await sweeping.close();
    expect(memory.store.rows.size).toBe(0);
  });
});

test('a library is settled when its uploads have ended, also those that fail, with nothing of them left', async () => {
  const memory = memoryLibrary();
  const source = new Readable({ read: () => undefined });
  source.push(mp4Of(5000));
  const upload = memory.library.upload('ada', { kind: 'VIDEO', filename: 'a.mp4', source });
  upload.catch(() => undefined);
  while (memory.store.rows.size === 0) await sleep(5);
  let settled = false;
  const settling = memory.library.settled().then(() => {
    settled = true;
  });
  await sleep(20);
  expect(settled).toBe(false);
  source.destroy(new Error('the client has gone'));
  await settling;
  expect(memory.store.rows.size).toBe(0);
  await expect(upload).rejects.toThrow('the client has gone');
});
