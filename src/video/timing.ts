/** What a container's own tables say of time. Tracks go by the container's numbers. */
export interface Timing {
  /** 0 when they do not say. */
  readonly durationSeconds: number;
  /** How many pictures a track has, as far as was read; undefined when the tables do not say. */
  sampleCount(trackId: number): number | undefined;
  /** Pictures a second, on average; null when the tables do not say. */
  frameRate(trackId: number): number | null;
}
