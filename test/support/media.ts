import { type RefusedFile, type SampleFile, sample } from './media/files.ts';
import { bombs, damaged, strangers } from './media/hostile.ts';
import * as pictures from './media/pictures.ts';

export type { RefusedFile, SampleFile };

/** Every kind of file that is accepted, each once and under 30 KB; the first is a plain JPEG. Names are unique. */
export async function acceptedFiles(): Promise<SampleFile[]> {
  return [...(await acceptedImages()), ...(await acceptedVideos())];
}

/** The accepted pictures: each format still, with transparency, turned by EXIF and animated, as far as it can be. */
export async function acceptedImages(): Promise<SampleFile[]> {
  const image = async (name: string, mimeType: string, bytes: Promise<Buffer>, facts = {}): Promise<SampleFile> => ({
    name,
    kind: 'IMAGE',
    mimeType,
    bytes: await bytes,
    width: 48,
    height: 32,
    animated: false,
    ...facts,
  });
  const size = { width: 48, height: 32 };
  const upended = { width: 32, height: 48 };
  return await Promise.all([
    image('plain.jpg', 'image/jpeg', pictures.jpeg(size)),
    image('progressive.jpg', 'image/jpeg', pictures.jpeg({ ...size, progressive: true })),
    image('turned.jpg', 'image/jpeg', pictures.jpeg({ ...size, orientation: 6 }), upended),
    image('plain.png', 'image/png', pictures.png(size)),
    image('transparent.png', 'image/png', pictures.png({ ...size, alpha: true })),
    image('interlaced.png', 'image/png', pictures.png({ ...size, progressive: true })),
    image('animated.png', 'image/png', pictures.apng({ ...size, frames: 3 }), { animated: true }),
    image('plain.gif', 'image/gif', pictures.gif(size)),
    image('animated.gif', 'image/gif', pictures.gif({ ...size, frames: 3 }), { animated: true }),
    image('plain.webp', 'image/webp', pictures.webp(size)),
    image('transparent-lossless.webp', 'image/webp', pictures.webp({ ...size, alpha: true, lossless: true })),
    image('turned.webp', 'image/webp', pictures.webp({ ...size, orientation: 8 }), upended),
    image('animated.webp', 'image/webp', pictures.webp({ ...size, frames: 3 }), { animated: true }),
    image('plain.avif', 'image/avif', pictures.avif(size)),
    image('transparent.avif', 'image/avif', pictures.avif({ ...size, alpha: true })),
    image('sequence.avif', 'image/avif', sample('sequence.avif'), { width: 64, height: 48, animated: true }),
  ]);
}

/** The accepted videos, from test/samples: each a second of 64x48. */
export async function acceptedVideos(): Promise<SampleFile[]> {
  const video = async (name: string, mimeType: string, facts = {}): Promise<SampleFile> => ({
    name,
    kind: 'VIDEO',
    mimeType,
    bytes: await sample(name),
    width: 64,
    height: 48,
    durationSeconds: 1,
    videoCodec: 'avc',
    audioCodec: 'aac',
    frameRate: 25,
    ...facts,
  });
  return await Promise.all([
    video('faststart.mp4', 'video/mp4'),
    video('moov-last.mp4', 'video/mp4'),
    video('fragmented.mp4', 'video/mp4', { durationSeconds: 1.08 }),
    video('hevc.mp4', 'video/mp4', { videoCodec: 'hevc', audioCodec: null }),
    video('av1-29.97.mp4', 'video/mp4', { videoCodec: 'av1', audioCodec: null, frameRate: 29.97, durationSeconds: 1.001 }),
    video('rotated.mov', 'video/quicktime', { width: 48, height: 64 }),
    video('vp9-opus.webm', 'video/webm', { videoCodec: 'vp9', audioCodec: 'opus', durationSeconds: 1.008 }),
    video('vp8-silent.webm', 'video/webm', { videoCodec: 'vp8', audioCodec: null }),
    video('live.webm', 'video/webm', { videoCodec: 'vp8', audioCodec: null }),
    video('h264-aac.mkv', 'video/matroska', { durationSeconds: 1.023 }),
  ]);
}

/** Files that must be refused, each with its code; all below 200 KB, and all within the default limits of bytes. */
export async function refusedFiles(): Promise<RefusedFile[]> {
  const [images, videos] = [await acceptedImages(), await acceptedVideos()];
  const misplaced = [
    ...images
      .filter(({ name }) => name.startsWith('plain'))
      .map((file) => ({ ...file, kind: 'VIDEO' as const, why: 'an image sent as a video' })),
    ...videos.map((file) => ({ ...file, kind: 'IMAGE' as const, why: 'a video sent as an image' })),
  ].map(({ name, kind, bytes, why }) => ({ name, kind, bytes, why, code: 'UNSUPPORTED_MEDIA_TYPE' as const }));
  return [...strangers(), ...(await soundOnly()), ...misplaced, ...damaged(images, videos), ...bombs()];
}

async function soundOnly(): Promise<RefusedFile[]> {
  const refuse = async (name: string, why: string): Promise<RefusedFile> => ({
    name,
    kind: 'VIDEO',
    bytes: await sample(name),
    code: 'UNSUPPORTED_MEDIA_TYPE',
    why,
  });
  return await Promise.all([
    refuse('audio-only.mp4', 'sound without a picture'),
    refuse('audio-only.webm', 'sound without a picture'),
    refuse('tone.mp3', 'sound without a picture'),
    refuse('cover.m4a', 'sound with a cover picture, by the brand of an audio file'),
    refuse('cover.mp4', 'sound with a cover picture, by the brand of a video'),
    refuse('cover-track.mkv', 'sound with a cover picture as a track of its own'),
    refuse('cover-audio.mkv', 'sound with a cover picture attached'),
  ]);
}
