import { describe, expect, test } from '@jest/globals';
import { MediakeepError } from '../../src/errors.ts';
import { ContainerProbe } from '../../src/video/probe.ts';
import { CountedBytes } from '../support/media/counted-bytes.ts';
import { beginnings, flipped } from '../support/media/damage.ts';
import { sample } from '../support/media/files.ts';
import { box } from '../support/media/hostile.ts';
import { uint32s } from '../support/media/pictures.ts';
import { acceptedVideos } from '../support/media.ts';

const tools = new ContainerProbe();
const signal = new AbortController().signal;
const outcomeOf = async (bytes: CountedBytes, mimeType: string): Promise<unknown> =>
  await tools.probe(bytes, { mimeType, signal }).then(
    () => 'accepted',
    (error: unknown) => (error instanceof MediakeepError ? error.code : error),
  );

describe('a video cut off', () => {
  test('anywhere is INVALID_MEDIA, if its container can tell', async () => {
    for (const { name, mimeType, bytes } of await acceptedVideos()) {
      const isLive = name === 'live.webm';
      for (const beginning of beginnings(bytes, 97)) {
        // What is left of a fragmented file up to the end of a fragment is a whole, shorter one.
        if (name === 'fragmented.mp4' && endsWithFragment(bytes, beginning.length)) continue;
        const outcome = await outcomeOf(CountedBytes.of(beginning), mimeType);
        const isFine = outcome === 'INVALID_MEDIA' || (isLive && outcome === 'accepted');
        if (!isFine) throw new Error(`${name} cut off after ${beginning.length} bytes: ${outcome}`, { cause: outcome });
      }
    }
  });
});

describe('a video with bits turned over', () => {
  test('is probed or refused, and nothing else happens', async () => {
    for (const { name, mimeType, bytes } of await acceptedVideos()) {
      for (const [index, copy] of flipped(bytes, 200).entries()) {
        const outcome = await outcomeOf(CountedBytes.of(copy), mimeType);
        const isFine = outcome === 'accepted' || outcome === 'INVALID_MEDIA' || outcome === 'UNSUPPORTED_MEDIA_TYPE';
        if (!isFine) throw new Error(`${name}, mutation ${index}: ${outcome}`, { cause: outcome });
      }
    }
  });
});

describe('a file that claims the impossible is answered at once', () => {
  const millions = 5_000_000;
  const ftyp = box('ftyp', Buffer.from('isom\0\0\0\0isommp41', 'latin1'));
  const mvhd = box('mvhd', Buffer.alloc(100));

  test.each(['stts', 'ctts', 'stsc', 'stsz', 'stco'])('four billion entries in %s', async (table) => {
    const bytes = Buffer.from(await sample('faststart.mp4'));
    for (let at = bytes.indexOf(table); at !== -1; at = bytes.indexOf(table, at + 4)) bytes.fill(0xff, at + 8, at + 20);
    expect(['accepted', 'INVALID_MEDIA']).toContain(await outcomeOf(CountedBytes.of(bytes), 'video/mp4'));
  });

  test('four billion samples in a fragment of a few bytes', async () => {
    const bytes = Buffer.from(await sample('fragmented.mp4'));
    for (let at = bytes.indexOf('trun'); at !== -1; at = bytes.indexOf('trun', at + 4))
      uint32s(0, 0xffffffff).copy(bytes, at + 4);
    expect(['accepted', 'INVALID_MEDIA']).toContain(await outcomeOf(CountedBytes.of(bytes), 'video/mp4'));
  });

  test('millions of empty boxes in the index', async () => {
    const boxes = Buffer.alloc(8 * 1_000_000, box('free'));
    for (const moov of [box('moov', mvhd, boxes), box('moov', mvhd, box('udta', boxes)), box('moov', mvhd, box('trak', boxes))]) {
      expect(await outcomeOf(CountedBytes.of(Buffer.concat([ftyp, moov])), 'video/mp4')).toBe('INVALID_MEDIA');
    }
  });

  test('boxes in boxes in boxes', async () => {
    const depth = 100_000;
    const nested = Buffer.concat(
      Array.from({ length: depth }, (_, index) => Buffer.concat([uint32s((depth - index) * 8), Buffer.from('mdia')])),
    );
    expect(await outcomeOf(CountedBytes.of(Buffer.concat([ftyp, box('moov', mvhd, box('trak', nested))])), 'video/mp4')).toBe(
      'INVALID_MEDIA',
    );
  });

  test('an index of gigabytes is not read', async () => {
    const sizeBytes = 5_000_000_000;
    const head = Buffer.concat([ftyp, uint32s(1), Buffer.from('moov'), uint32s(1, sizeBytes - ftyp.length - 2 ** 32)]);
    const bytes = new CountedBytes(sizeBytes, ({ start, end }) => {
      const piece = Buffer.alloc(end - start + 1);
      head.copy(piece, 0, Math.min(start, head.length));
      return piece;
    });
    expect(await outcomeOf(bytes, 'video/mp4')).toBe('INVALID_MEDIA');
    expect(bytes.readBytes).toBe(65_536);
  });

  test('millions of boxes side by side, or fragments without end, are not all looked for', async () => {
    const tiny = new CountedBytes(millions * 8, ({ start, end }) => Buffer.alloc(end - start + 1, box('free')));
    expect(await outcomeOf(tiny, 'video/mp4')).toBe('INVALID_MEDIA');
    expect(tiny.reads.length).toBeLessThan(20);

    const file = await sample('fragmented.mp4');
    const head = file.subarray(0, file.indexOf('moof') - 4);
    const moof = file.subarray(head.length, file.indexOf('mdat') - 4);
    const period = 1_000_000;
    const fragment = Buffer.concat([moof, uint32s(period - moof.length), Buffer.from('mdat')]);
    const fragments = new CountedBytes(head.length + period * 4000, ({ start, end }) => {
      const piece = Buffer.alloc(end - start + 1);
      if (start < head.length) head.copy(piece, 0, start);
      const first = Math.floor(Math.max(0, start - head.length) / period) * period + head.length - start;
      for (let at = first; at < piece.length; at += period)
        if (-at < fragment.length) fragment.copy(piece, Math.max(0, at), Math.max(0, -at));
      return piece;
    });
    expect(await outcomeOf(fragments, 'video/mp4')).toBe('accepted');
    expect(fragments.reads.length).toBeLessThan(600);
  });

  test.each(['1f43b675', '1654ae6b', '1549a966', '18538067', 'a3', 'e7'])('exabytes in the Matroska element %s', async (id) => {
    for (const name of ['live.webm', 'vp9-opus.webm']) {
      const bytes = Buffer.from(await sample(name));
      const at = bytes.indexOf(Buffer.from(id, 'hex'));
      expect(at).toBeGreaterThan(0);
      Buffer.from('01fffffffffffffe', 'hex').copy(bytes, at + id.length / 2);
      expect(['accepted', 'INVALID_MEDIA']).toContain(await outcomeOf(CountedBytes.of(bytes), 'video/webm'));
    }
  });
});

function endsWithFragment(bytes: Buffer, length: number): boolean {
  return ['moof', 'mfra'].some((type) => bytes.toString('latin1', length + 4, length + 8) === type);
}
