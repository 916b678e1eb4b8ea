import type { Input, InputTrack, InputVideoTrack } from 'mediabunny';
import type { VideoFacts } from '../media/media-asset.ts';
import type { RangedBytes } from './ranged-bytes.ts';
import { malformed, notAVideo } from './refusals.ts';
import type { Timing } from './timing.ts';

/**
 * What a container says of its video. INVALID_MEDIA when it has no track that can be read, UNSUPPORTED_MEDIA_TYPE when there is sound only,
 * or sound and a cover picture.
 */
export async function readFacts(input: Input, timing: Timing, bytes: RangedBytes): Promise<VideoFacts> {
  const tracks = await input.getTracks();
  if (tracks.length === 0) throw malformed('no track');
  const video = await pictureTrack(tracks.filter((track) => track.isVideoTrack()));
  const audio = tracks.find((track) => track.isAudioTrack());
  if (video === undefined) throw audio === undefined ? malformed('no track of a known kind') : notAVideo();
  if (timing.sampleCount(video.id) === 0) throw malformed('no pictures');
  const [size, videoCodec] = [await readSize(video), await codecOf(video)];
  const audioCodec = audio === undefined ? null : await codecOf(audio);
  // From here on nothing is worth reading much.
  bytes.tighten(optionalLimits);
  if (audio !== undefined && pictureCodecs.has(videoCodec ?? '') && (await isSinglePicture(video, timing))) throw notAVideo();
  return {
    ...size,
    videoCodec,
    audioCodec,
    durationSeconds: await readDuration(input, timing),
    frameRate: await readFrameRate(video, timing),
  };
}

/** What may be read for facts that can do without: the first pictures' headers, the last cluster. */
const optionalLimits = { sizeBytes: 8 * 1024 * 1024, count: 32 };

/** Codecs of which a single picture beside sound is a cover. `mp4v` can be JPEG, too. */
const pictureCodecs = new Set(['mjpeg', 'png', 'mpeg4']);

/** Names, in mediabunny's manner, for codecs it does not know, by the names the containers give them. */
const otherCodecs: Readonly<Record<string, string>> = {
  V_MJPEG: 'mjpeg',
  V_MPEG1: 'mpeg1',
  V_MPEG2: 'mpeg2',
  'V_MPEG4/ISO/ASP': 'mpeg4',
  V_THEORA: 'theora',
  jpeg: 'mjpeg',
  mjpa: 'mjpeg',
  mjpb: 'mjpeg',
  'png ': 'png',
  mp4v: 'mpeg4',
  s263: 'h263',
  h263: 'h263',
  AVdn: 'dnxhd',
};

async function codecOf(track: InputTrack): Promise<string | null> {
  const known = await track.getCodec();
  const internal = known ?? (await track.getInternalCodecId());
  if (typeof internal !== 'string') return null;
  // What a file calls its codec is its own text: only a short, printable name goes on.
  return otherCodecs[internal] ?? /^[\w./-]{1,32}$/.exec(internal.trim())?.[0].toLowerCase() ?? null;
}

/** The first of a codec that is known: a cover picture may come before it. */
async function pictureTrack(tracks: readonly InputVideoTrack[]): Promise<InputVideoTrack | undefined> {
  for (const track of tracks) if ((await track.getCodec()) !== null) return track;
  return tracks[0];
}

/** Upright and with square pixels, as a player shows it. */
async function readSize(video: InputVideoTrack): Promise<{ width: number; height: number }> {
  const width = Math.round(await video.getDisplayWidth());
  const height = Math.round(await video.getDisplayHeight());
  if (isSide(width) && isSide(height)) return { width, height };
  throw malformed(`a picture of ${width}x${height}`);
}

/** MP4 counts a picture's sides in 16 bits. */
function isSide(length: number): boolean {
  return Number.isInteger(length) && length >= 1 && length <= 65_535;
}

async function isSinglePicture(video: InputVideoTrack, timing: Timing): Promise<boolean> {
  const known = timing.sampleCount(video.id);
  const count = known ?? (await orNull(async () => (await video.computePacketStats(2)).packetCount));
  return (count ?? 0) < 2;
}

async function readDuration(input: Input, timing: Timing): Promise<number | null> {
  if (timing.durationSeconds > 0) return positive(timing.durationSeconds, 1000);
  return positive(await orNull(async () => (await input.getDurationFromMetadata()) ?? (await input.computeDuration())), 1000);
}

async function readFrameRate(video: InputVideoTrack, timing: Timing): Promise<number | null> {
  const metrics = async (): Promise<number | null> => {
    if (timing.sampleCount(video.id) !== undefined) return null;
    const { bestGuessFrameRate, probedPacketCount } = await video.computeFrameRateMetrics({ targetPacketCount: 60 });
    return probedPacketCount < 2 ? null : bestGuessFrameRate;
  };
  const rate = positive(timing.frameRate(video.id) ?? (await orNull(metrics)), 100);
  return rate !== null && rate <= 1000 ? rate : null;
}

/** Rounded to 1/`parts`; null for what is no positive number. */
function positive(value: number | null, parts: number): number | null {
  return value !== null && Number.isFinite(value) && value > 0 ? Math.round(value * parts) / parts : null;
}

/** A fact that a video can do without. */
async function orNull<T>(fact: () => Promise<T>): Promise<T | null> {
  try {
    return await fact();
  } catch {
    return null;
  }
}
