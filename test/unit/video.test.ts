import { describe, expect, test } from '@jest/globals';
import { MediakeepError } from '../../src/errors.ts';
import { assertAccepted, headBytes } from '../../src/media/policy.ts';
import { sniff } from '../../src/media/sniff.ts';
import { ContainerProbe } from '../../src/video/probe.ts';
import { bigMp4, bigMp4Bytes } from '../support/media/big-mp4.ts';
import { CountedBytes } from '../support/media/counted-bytes.ts';
import { sample } from '../support/media/files.ts';
import { acceptedVideos, refusedFiles } from '../support/media.ts';

const tools = new ContainerProbe();
const signal = new AbortController().signal;
const probe = (bytes: Buffer, mimeType: string) => tools.probe(CountedBytes.of(bytes), { mimeType, signal });

describe('a video that is accepted', () => {
  test('is described by its container, upright', async () => {
    for (const {
      name,
      bytes,
      mimeType,
      width,
      height,
      durationSeconds,
      videoCodec,
      audioCodec,
      frameRate,
    } of await acceptedVideos()) {
      const expected = { name, width, height, durationSeconds, videoCodec, audioCodec, frameRate };
      expect({ name, ...(await probe(bytes, mimeType)) }).toEqual(expected);
    }
  });

  test('of 200 MB is read in one or two small pieces', async () => {
    for (const [moov, reads] of [
      ['first', 1],
      ['last', 2],
    ] as const) {
      const bytes = await bigMp4Bytes({ sizeBytes: 200_000_000, moov });
      expect(await tools.probe(bytes, { mimeType: 'video/mp4', signal })).toMatchObject({
        videoCodec: 'avc',
        durationSeconds: 1,
      });
      expect(bytes.reads).toHaveLength(reads);
      expect(bytes.readBytes).toBeLessThan(reads * 65_537);
    }
  });

  test('of any size streams as the same bytes that are read at random', async () => {
    const layout = { sizeBytes: 1_000_003, moov: 'last' } as const;
    const streamed = Buffer.concat(await (await bigMp4(layout)).toArray());
    const bytes = await bigMp4Bytes(layout);
    expect(streamed.equals(await bytes.read({ start: 0, end: layout.sizeBytes - 1 }))).toBe(true);
    expect((await bytes.read({ start: 999_990, end: 1_000_002 })).equals(streamed.subarray(999_990))).toBe(true);
  });

  test('may have a moov of 64-bit headers, padding, or what a camera appends without a box', async () => {
    const whole = await sample('faststart.mp4');
    for (const trailer of [Buffer.alloc(5), Buffer.alloc(3000), Buffer.from('00000010ff01fe02000000000000', 'hex')]) {
      expect(await probe(Buffer.concat([whole, trailer]), 'video/mp4')).toMatchObject({ videoCodec: 'avc' });
    }
  });

  test('may reach to the end of the file without saying how far that is', async () => {
    const open = Buffer.from(await sample('faststart.mp4'));
    open.writeUInt32BE(0, open.indexOf('mdat') - 4);
    expect(await probe(open, 'video/mp4')).toMatchObject({ videoCodec: 'avc' });
    await expect(probe(open.subarray(0, -1), 'video/mp4')).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
  });
});

describe('a video that is refused', () => {
  test('gets the code that fits, in a sentence', async () => {
    for (const { name, kind, bytes, why, code } of await refusedFiles()) {
      if (kind !== 'VIDEO') continue;
      const upload = async () => await probe(bytes, assertAccepted('VIDEO', await sniff(bytes.subarray(0, headBytes))));
      const outcome = bytes.length === 0 ? probe(bytes, 'video/mp4') : upload();
      const told = outcome.then(
        () => ({ code: 'accepted', message: '' }),
        (error: MediakeepError) => ({ code: error.code, message: error.message }),
      );
      expect({ name, why, ...(await told) }).toEqual({ name, why, code, message: expect.stringMatching(/^[A-Z].*\.$/) });
    }
  });

  test('is read by the demuxer of its sniffed type only', async () => {
    await expect(probe(await sample('faststart.mp4'), 'video/webm')).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
    await expect(probe(await sample('vp9-opus.webm'), 'video/mp4')).rejects.toMatchObject({ code: 'INVALID_MEDIA' });
  });
});

describe('a storage that fails', () => {
  const options = { mimeType: 'video/mp4', signal };

  test('is what the probe fails with, at whichever read it happens', async () => {
    for (const failingRead of [0, 1]) {
      const whole = await bigMp4Bytes({ sizeBytes: 10_000_000, moov: 'last' });
      const unavailable = new MediakeepError('STORAGE_UNAVAILABLE', 'The bucket does not answer.');
      const bytes = new CountedBytes(whole.sizeBytes, async (range) => {
        if (whole.reads.length === failingRead) throw unavailable;
        return await whole.read(range);
      });
      await expect(tools.probe(bytes, options)).rejects.toBe(unavailable);
    }
  });

  test('or hands out too little, is STORAGE_UNAVAILABLE', async () => {
    const bytes = new CountedBytes(10_000, () => Buffer.alloc(3));
    await expect(tools.probe(bytes, options)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  test('or never answers, is given up on: STORAGE_UNAVAILABLE after a timeout, the reason itself after another abort', async () => {
    const hanging = new CountedBytes(10_000, () => new Promise(() => undefined));
    const timeout = AbortSignal.timeout(10);
    await expect(tools.probe(hanging, { ...options, signal: timeout })).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    const abort = new AbortController();
    const probing = tools.probe(hanging, { ...options, signal: abort.signal });
    abort.abort(new Error('gone'));
    await expect(probing).rejects.toThrow('gone');
  });

  test('holds up only as many probes as there are places; who waits too long is OVERLOADED', async () => {
    const busy = new ContainerProbe({ concurrency: 1 });
    const { promise: answer, resolve } = Promise.withResolvers<void>();
    const whole = await sample('faststart.mp4');
    const slow = new CountedBytes(whole.length, async ({ start, end }) => {
      await answer;
      return whole.subarray(start, end + 1);
    });
    const first = busy.probe(slow, options);
    const third = CountedBytes.of(whole);
    const timedOut = busy.probe(third, { ...options, signal: AbortSignal.timeout(10) });
    const second = busy.probe(third, options);
    await expect(timedOut).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 5 });
    expect(third.reads).toEqual([]);
    resolve();
    expect(await Promise.all([first, second])).toMatchObject([{ videoCodec: 'avc' }, { videoCodec: 'avc' }]);
  });
});
