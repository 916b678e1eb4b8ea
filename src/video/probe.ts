import { CustomSource, Input, type InputFormat, Logging, LogLevel, MATROSKA, MP4, QTFF, WEBM } from 'mediabunny';
import { MediakeepError } from '../errors.ts';
import type { VideoFacts } from '../media/media-asset.ts';
import type { RandomAccessBytes, VideoTools } from '../media/ports.ts';
import { readFacts } from './facts.ts';
import { checkIso } from './iso.ts';
import { checkMatroska } from './matroska.ts';
import { Places } from './places.ts';
import { RangedBytes } from './ranged-bytes.ts';
import { malformed } from './refusals.ts';
import type { Timing } from './timing.ts';

// mediabunny tells the console of every codec it does not know; a user's file is no news for the operator.
Logging.level = LogLevel.Silent;

/**
 * {@link VideoTools} by the container alone: its structure is checked here, its tracks are read by mediabunny, with the demuxer of the sniffed type only.
 * Nothing is decoded. A file is read in a few pieces of 64 KiB and its index; at most 64 MiB and 600 reads, whatever it claims.
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
  check(bytes: RangedBytes): Promise<Timing>;
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
    const timing = await check(bytes);
    using input = open(bytes, format);
    const facts = await readFacts(input, timing, bytes);
    // What the storage failed to hand out may have been taken for the end of the file.
    if (bytes.failure !== undefined) throw bytes.failure.error;
    return facts;
  } catch (error) {
    if (bytes.failure !== undefined) throw storageFailure(bytes.failure.error);
    throw error instanceof MediakeepError ? error : malformed(error);
  }
}

function open(bytes: RangedBytes, format: InputFormat): Input {
  const source = new CustomSource({
    getSize: () => bytes.sizeBytes,
    read: (start, end) => bytes.read(start, end - start),
    // The bytes are kept below already.
    maxCacheSize: 1024 * 1024,
    // Reads that nobody waits for any more; their failures are remembered below.
    handleUnhandledError: () => undefined,
  });
  return new Input({ source, formats: [format] });
}

function storageFailure(error: unknown): unknown {
  const isTimeout = (error as { name?: unknown } | null)?.name === 'TimeoutError';
  if (!isTimeout) return error;
  return new MediakeepError('STORAGE_UNAVAILABLE', 'The storage took too long to hand out the video. Please try again.', {
    cause: error,
  });
}
