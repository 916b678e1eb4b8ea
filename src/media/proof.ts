import { ImageMemory } from './image-memory.ts';
import { type CollectedImage, collectImage, factsOf, type Identified } from './intake.ts';
import type { ImageFacts, MediaAsset, VideoFacts } from './media-asset.ts';
import { type Limits, originalKey } from './policy.ts';
import type { ByteRange, ImageTools, ObjectStorage, VideoTools } from './ports.ts';

export interface ProofDependencies {
  readonly storage: ObjectStorage;
  readonly images: ImageTools;
  readonly videos: VideoTools;
  readonly limits: Limits;
  /** Most bytes that images may hold in memory together while they are proved. */
  readonly imageMemoryBytes: number;
  /** Whether positions and serial numbers are cut out of originals. */
  readonly stripsLocation: boolean;
}

/** An image in memory, as it is to be stored: `facts` are of these bytes. */
export interface GatheredImage extends CollectedImage {
  /** Whether it differs from what was sent, because a position or a serial number was cut out. */
  readonly wasCut: boolean;
}

/** Proves files whole and measures them, whichever way they come: an image in memory, a video's container where the bytes lie. */
export class Proof {
  readonly #with: ProofDependencies;
  readonly #imageMemory: ImageMemory;

  constructor(dependencies: ProofDependencies) {
    this.#with = dependencies;
    this.#imageMemory = new ImageMemory(dependencies.imageMemoryBytes);
  }

  /**
   * Gathers an image in memory and cuts out what shall not be stored; the caller gives the memory back. `check` sees the bytes as they came, before.
   * FILE_TOO_LARGE, OVERLOADED, INVALID_MEDIA, what `check` throws, or the source's own failure; destroys the source when it rejects.
   */
  async gather(file: Identified, check: (bytes: Buffer) => void = () => undefined): Promise<GatheredImage> {
    const { images, limits, stripsLocation } = this.#with;
    const collected = await collectImage(file, limits.maxImageBytes, this.#imageMemory);
    try {
      check(collected.bytes);
      // First, so that everything that is found out of the bytes is found out of those that are stored.
      const wasCut = stripsLocation && images.cutLocation(collected.bytes, file.mimeType);
      return { ...collected, ...(wasCut && { facts: factsOf(collected.bytes) }), wasCut };
    } catch (error) {
      collected.release();
      throw error;
    }
  }

  /** See {@link ImageTools.inspect}. */
  async inspectImage(bytes: Buffer, mimeType: string): Promise<ImageFacts> {
    const { images, limits } = this.#with;
    const signal = AbortSignal.timeout(imagePatienceMs);
    return await images.inspect(bytes, { mimeType, maxPixels: limits.maxImagePixels, signal });
  }

  /** Reads the container of a stored video by a few ranged reads; see {@link VideoTools.probe}. */
  async probeVideo(asset: MediaAsset, sizeBytes: number): Promise<VideoFacts> {
    const { storage, videos } = this.#with;
    const signal = AbortSignal.timeout(videoPatienceMs);
    const read = async (range: ByteRange): Promise<Buffer> => {
      const stream = await storage.read(originalKey(asset.id), { range, signal });
      return Buffer.concat(await stream.toArray());
    };
    return await videos.probe({ sizeBytes, read }, { mimeType: asset.mimeType, signal });
  }
}

/** An image that cannot be proved in so long counts as more than we can do now, in milliseconds. */
const imagePatienceMs = 60_000;

/** A container that cannot be probed in so long, in milliseconds. A probe is a handful of ranged reads. */
const videoPatienceMs = 60_000;
