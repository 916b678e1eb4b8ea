import { type ImageAsset, isImage, isVideo, type MediaAsset, type VideoAsset } from '../media/media-asset.ts';

/** How long the `url` of an asset's body lives, in seconds: the default of GraphQL's `url(expiresIn:)`. */
export const linkSeconds = 3600;

/** An asset as JSON: the schema's field names, every field always there. `url` is the link to put in. */
export function assetBody(asset: MediaAsset, url: string): Record<string, unknown> {
  if (isImage(asset)) return { ...common(asset, url), ...imageFacts(asset) };
  return isVideo(asset) ? { ...common(asset, url), ...videoFacts(asset) } : common(asset, url);
}

function common(asset: MediaAsset, url: string): Record<string, unknown> {
  return {
    id: asset.id,
    kind: asset.kind,
    status: asset.status,
    filename: asset.filename,
    mimeType: asset.mimeType,
    size: asset.sizeBytes,
    sha256: asset.sha256,
    width: asset.width,
    height: asset.height,
    title: asset.title,
    altText: asset.altText,
    tags: asset.tags,
    url,
    createdAt: asset.createdAt.toISOString(),
    updatedAt: asset.updatedAt.toISOString(),
  };
}

function imageFacts({ animated, hasAlpha, placeholder, dominantColor, focus }: ImageAsset): Record<string, unknown> {
  return { animated, hasAlpha, placeholder, dominantColor, focus };
}

function videoFacts(video: VideoAsset): Record<string, unknown> {
  return {
    duration: video.durationSeconds,
    videoCodec: video.videoCodec,
    audioCodec: video.audioCodec,
    frameRate: video.frameRate,
  };
}
