/** What a container's structure says, once it has been checked. Tracks go by the container's numbers. */
export interface ContainerOutline {
  /**
   * The part of the file that describes its tracks, as a file of its own. Only this is given to mediabunny: asked for a duration or a frame rate,
   * it would walk through pictures, and a few hostile bytes can make it do so for ever.
   */
  readonly index: Buffer;
  /** 0 when it does not say. */
  readonly durationSeconds: number;
  /** How many pictures a track has, or at least has; undefined when nobody looked. */
  sampleCount(trackId: number): number | undefined;
  /** Pictures a second, on average; null when it does not say. */
  frameRate(trackId: number): number | null;
}
