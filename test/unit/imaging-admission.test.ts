import { describe, expect, test } from '@jest/globals';
import { Admission } from '../../src/imaging/admission.ts';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { photo } from '../support/media/pictures.ts';

const never = new AbortController().signal;
const limits = {
  concurrency: 2,
  pixelBudget: 100,
  queueLength: 10,
  queueSeconds: 60,
  renditionQueueLength: 20,
  renditionQueueSeconds: 60,
};
const overloaded = { code: 'OVERLOADED', retryAfterSeconds: expect.any(Number) };

/** Work that lasts until it is told to end, and counts itself. */
class Bench {
  running = 0;
  mostRunning = 0;
  readonly #ends: (() => void)[] = [];

  readonly work = async (): Promise<string> => {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    this.running -= 1;
    return 'done';
  };

  async endAll(): Promise<void> {
    for (let end = this.#ends.shift(); end !== undefined; end = this.#ends.shift()) {
      end();
      await new Promise(setImmediate);
    }
  }
}

describe('admission', () => {
  test('lets as many in as there is room for, keeps some waiting, and turns the others away with a time to come back', async () => {
    const [admission, bench] = [new Admission(limits), new Bench()];
    const outcomes = Array.from({ length: 50 }, () => admission.run({ pixels: 1, signal: never }, bench.work));
    const settled = Promise.allSettled(outcomes);
    await new Promise(setImmediate);
    expect(bench.running).toBe(2);
    await bench.endAll();
    const results = await settled;
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(12);
    expect(bench.mostRunning).toBe(2);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(overloaded);
    expect(await admission.run({ pixels: 100, signal: never }, async () => 'room again')).toBe('room again');
  });

  test('counts pixels too, and lets in alone what is larger than all of the budget', async () => {
    const [admission, bench] = [new Admission(limits), new Bench()];
    const outcomes = [60, 60, 1_000].map((pixels) => admission.run({ pixels, signal: never }, bench.work));
    await new Promise(setImmediate);
    expect(bench.running).toBe(1);
    await bench.endAll();
    expect(await Promise.all(outcomes)).toEqual(['done', 'done', 'done']);
    expect(bench.mostRunning).toBe(1);
  });

  test('serves uploads and renditions in turn, each line with limits of its own', async () => {
    const admission = new Admission({ ...limits, concurrency: 1 });
    const order: string[] = [];
    const ask = (line: 'uploads' | 'renditions', index: number): Promise<unknown> =>
      admission.run({ pixels: 1, signal: never, line }, async () => order.push(`${line} ${index}`));
    const outcomes = (['renditions', 'uploads'] as const).flatMap((line) =>
      Array.from({ length: 30 }, (_, index) => ask(line, index)),
    );
    const results = await Promise.allSettled(outcomes);
    expect(order.slice(0, 7)).toEqual([
      'renditions 0',
      'uploads 0',
      'renditions 1',
      'uploads 1',
      'renditions 2',
      'uploads 2',
      'renditions 3',
    ]);
    const refused = results.map(({ status }) => status === 'rejected');
    expect([refused.slice(0, 30), refused.slice(30)].map((line) => line.filter(Boolean).length)).toEqual([9, 20]);
  });

  test('gives the room back when work fails', async () => {
    const admission = new Admission({ ...limits, concurrency: 1, queueLength: 0 });
    const failing = (): Promise<never> => Promise.reject(new Error('no'));
    await expect(admission.run({ pixels: 1, signal: never }, failing)).rejects.toThrow('no');
    expect(await admission.run({ pixels: 100, signal: never }, async () => 'in')).toBe('in');
  });

  test('keeps nobody waiting longer than it says', async () => {
    const [admission, bench] = [new Admission({ ...limits, concurrency: 1, queueSeconds: 0.02 }), new Bench()];
    const first = admission.run({ pixels: 1, signal: never }, bench.work);
    await expect(admission.run({ pixels: 1, signal: never }, bench.work)).rejects.toMatchObject(overloaded);
    await bench.endAll();
    expect(await first).toBe('done');
  });

  test('lets go of who no longer waits: a timeout is OVERLOADED, another abort is rethrown, and the next one moves up', async () => {
    const [admission, bench] = [new Admission({ ...limits, concurrency: 1 }), new Bench()];
    const abort = new AbortController();
    const first = admission.run({ pixels: 1, signal: never }, bench.work);
    const timedOut = admission.run({ pixels: 1, signal: AbortSignal.timeout(10) }, bench.work);
    const aborted = admission.run({ pixels: 1, signal: abort.signal }, bench.work);
    const last = admission.run({ pixels: 1, signal: never }, bench.work);
    await expect(timedOut).rejects.toMatchObject(overloaded);
    abort.abort(new Error('gone'));
    await expect(aborted).rejects.toThrow('gone');
    await bench.endAll();
    expect(await Promise.all([first, last])).toEqual(['done', 'done']);
    await expect(admission.run({ pixels: 1, signal: abort.signal }, bench.work)).rejects.toThrow('gone');
  });

  test('answers an abort at once but keeps the room taken until the work has really ended', async () => {
    const [admission, bench] = [new Admission({ ...limits, concurrency: 1, queueLength: 0 }), new Bench()];
    const abort = new AbortController();
    const running = admission.run({ pixels: 1, signal: abort.signal }, bench.work);
    await new Promise(setImmediate);
    abort.abort(new Error('gone'));
    await expect(running).rejects.toThrow('gone');
    await expect(admission.run({ pixels: 1, signal: never }, bench.work)).rejects.toMatchObject(overloaded);
    await bench.endAll();
    expect(await admission.run({ pixels: 1, signal: never }, async () => 'in')).toBe('in');
  });
});

test('fifty photos at once on room for two: some are decoded, the others are OVERLOADED, and then there is room again', async () => {
  const bytes = await photo({ megapixels: 1, sizeBytes: 100_000 });
  const tools = new SharpImageTools({ concurrency: 2, queueLength: 8 });
  const inspect = () => tools.inspect(bytes, { mimeType: 'image/jpeg', maxPixels: 2_000_000, signal: never });
  const results = await Promise.allSettled(Array.from({ length: 50 }, inspect));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(overloaded);
  expect(await inspect()).toMatchObject({ width: 1155, height: 866 });
});
