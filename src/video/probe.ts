import { BufferSource, Input, type InputFormat, Logging, LogLevel, MATROSKA, MP4, QTFF, WEBM } from 'mediabunny';
import { MediakeepError } from '../errors.ts';
import type { VideoFacts } from '../media/media-asset.ts';
import type { RandomAccessBytes, VideoTools } from '../media/ports.ts';
import { readFacts } from './facts.ts';
import { checkIso } from './iso.ts';
import { checkMatroska } from './matroska.ts';
import type { ContainerOutline } from './outline.ts';
import { Places } from './places.ts';
import { RangedBytes } from './ranged-bytes.ts';
import { malformed } from './refusals.ts';

// mediabunny tells the console of every codec it does not know; a user's file is no news for the operator.
Logging.level = LogLevel.Silent;

/**
 * {@link VideoTools} by the container alone: its structure is checked here, its tracks are described by mediabunny, with the demuxer of the sniffed type
 * only, from the index alone. Nothing is decoded. A file is read in a few pieces of 64 KiB and its index; at most 64 MiB and 600 reads, whatever it claims.
 */
export class ContainerProbe implements VideoTools {
  readonly #places: Places;

  /** `concurrency`: probes at once, 8 unless told. A hostile index can make one hold some 100 MB; further ones wait their turn. */
  constructor({ concurrency = 8 }: { concurrency?: number } = {}) {
    this.#places = new Places(concurrency);
  }

  /**
   * See {@link VideoTools.probe}. UNSUPPORTED_MEDIA_TYPE for sound without a picture or with a cover picture only. A failure of `bytes.read` is rethrown
   * as it came, as is an abort; a `signal` of a timeout is STORAGE_UNAVAILABLE, or OVERLOADED while waiting for a turn.
   */
  async probe(bytes: RandomAccessBytes, options: { mimeType: string; signal: AbortSignal }): Promise<VideoFacts> {
    const container = containers[options.mimeType];
    if (container === undefined) {
      throw new MediakeepError('UNSUPPORTED_MEDIA_TYPE', `Videos of type ${options.mimeType} are not accepted.`);
    }
    if (bytes.sizeBytes === 0) throw new MediakeepError('INVALID_MEDIA', 'The file is empty.');
    return await this.#places.take(options.signal, () => probeContainer(bytes, container, options.signal));
  }
}

/** What one probe may read. Every honest file needs a fraction. */
const limits = { sizeBytes: 64 * 1024 * 1024, count: 600 };

interface Container {
  readonly format: InputFormat;
  check(bytes: RangedBytes): Promise<ContainerOutline>;
}

const containers: Readonly<Record<string, Container>> = {
  'video/mp4': { format: MP4, check: checkIso },
  'video/quicktime': { format: QTFF, check: checkIso },
  'video/webm': { format: WEBM, check: checkMatroska },
  'video/matroska': { format: MATROSKA, check: checkMatroska },
};

async function probeContainer(source: RandomAccessBytes, { format, check }: Container, signal: AbortSignal): Promise<VideoFacts> {
  const bytes = new RangedBytes(source, { signal, limits });
  try {
    const outline = await check(bytes);
    using input = new Input({ source: new BufferSource(outline.index), formats: [format] });
    return await readFacts(input, outline);
  } catch (error) {
    // Neither mediabunny's text nor that of a read past the end of a table is for users.
    throw error instanceof MediakeepError || error === bytes.failure?.error ? error : malformed(error);
  }
}
