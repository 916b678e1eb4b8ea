import type { Input, InputTrack, InputVideoTrack } from 'mediabunny';
import type { VideoFacts } from '../media/media-asset.ts';
import type { ContainerOutline } from './outline.ts';
import { malformed, notAVideo } from './refusals.ts';

/**
 * What a container says of its video. INVALID_MEDIA when it has no track that can be read, UNSUPPORTED_MEDIA_TYPE when there is sound only,
 * or sound and a cover picture.
 */
export async function readFacts(input: Input, outline: ContainerOutline): Promise<VideoFacts> {
  const tracks = await input.getTracks();
  if (tracks.length === 0) throw malformed('no track');
  const video = await pictureTrack(tracks.filter((track) => track.isVideoTrack()));
  const audio = tracks.find((track) => track.isAudioTrack());
  if (video === undefined) throw audio === undefined ? malformed('no track of a known kind') : notAVideo();
  const [size, videoCodec] = [await readSize(video), await codecOf(video)];
  const audioCodec = audio === undefined ? null : await codecOf(audio);
  const pictures = outline.sampleCount(video.id);
  if (audio !== undefined && pictures === 1 && pictureCodecs.has(videoCodec ?? '')) throw notAVideo();
  if (pictures === 0) throw malformed('no pictures');
  const frameRate = positive(outline.frameRate(video.id), 100);
  return {
    ...size,
    videoCodec,
    audioCodec,
    durationSeconds: positive(outline.durationSeconds, 1000),
    frameRate: frameRate !== null && frameRate <= maxFrameRate ? frameRate : null,
  };
}

/** More pictures a second are a mistake of the container's. */
const maxFrameRate = 1000;

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

/** Rounded to 1/`parts`; null for what is no positive number. */
function positive(value: number | null, parts: number): number | null {
  return value !== null && Number.isFinite(value) && value > 0 ? Math.round(value * parts) / parts : null;
}
