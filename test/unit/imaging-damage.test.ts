import { expect, test } from '@jest/globals';
import { MediakeepError } from '../../src/errors.ts';
import { SharpImageTools } from '../../src/imaging/sharp-image-tools.ts';
import { beginnings, flipped } from '../support/media/damage.ts';
import { acceptedImages } from '../support/media.ts';

const tools = new SharpImageTools();
const options = { maxPixels: 1_000_000, signal: new AbortController().signal };

test('an image cut off anywhere is INVALID_MEDIA', async () => {
  for (const { name, mimeType, bytes } of await acceptedImages()) {
    for (const beginning of beginnings(bytes, 60)) {
      const outcome = tools.inspect(beginning, { ...options, mimeType }).then(
        () => 'accepted',
        (error: unknown) => (error instanceof MediakeepError ? error.code : error),
      );
      expect({ name, cutAt: beginning.length, outcome: await outcome }).toEqual({
        name,
        cutAt: beginning.length,
        outcome: 'INVALID_MEDIA',
      });
    }
  }
});

test('an image with bits turned over is inspected or refused, and nothing else happens', async () => {
  for (const { name, mimeType, bytes } of await acceptedImages()) {
    for (const [index, copy] of flipped(bytes, 200).entries()) {
      const outcome = await tools.inspect(copy, { ...options, mimeType }).catch((error: unknown) => error);
      const isRefused = outcome instanceof MediakeepError && outcome.code === 'INVALID_MEDIA';
      const isMeasured = !(outcome instanceof Error) && Number.isInteger((outcome as { width: number }).width);
      if (!isRefused && !isMeasured) throw new Error(`${name}, mutation ${index}`, { cause: outcome });
    }
  }
}, 60_000);
