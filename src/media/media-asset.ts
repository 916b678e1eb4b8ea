import { MediakeepError } from '../errors.ts';

/** What a user can upload. */
export const mediaKinds = ['IMAGE', 'VIDEO'] as const;
export type MediaKind = (typeof mediaKinds)[number];

/** What a client sees of an asset's life. */
export const mediaStatuses = ['PROCESSING', 'READY', 'FAILED'] as const;
export type MediaStatus = (typeof mediaStatuses)[number];

/** An asset's whole life: `UPLOADING` before a client may see it, `DELETING` after. A `DELETING` row is its own work order. */
export type AssetState = 'UPLOADING' | MediaStatus | 'DELETING';

/** What a client says of an upload beside the bytes. Already cleaned (text.ts). */
export interface Description {
  readonly title: string | null;
  readonly altText: string | null;
  readonly tags: readonly string[];
}

/** What is known of an asset when its row is first written. */
export interface NewAsset extends Description {
  readonly id: string;
  readonly ownerId: string;
  readonly filename: string;
  readonly mimeType: string;
  readonly storageUri: string;
  readonly now: Date;
}

/** What intake learnt from the bytes on their way. */
export interface ByteFacts {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What an image's header and decode say. */
export interface ImageFacts {
  /** Pixels, upright (EXIF orientation applied). */
  readonly width: number;
  readonly height: number;
  readonly animated: boolean;
  /** Whether the file has an alpha channel, used or not. */
  readonly hasAlpha: boolean;
  /** ThumbHash of the upright picture (its first frame), base64. */
  readonly placeholder: string;
  /** The colour most of the picture is near to, `#rrggbb`; null when it is all but transparent. */
  readonly dominantColor: string | null;
}

/** What a video's container says. */
export interface VideoFacts {
  /** Pixels, upright (rotation applied). */
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number | null;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  readonly frameRate: number | null;
}

/**
 * An image or video a user owns. A plain class: the database, the GraphQL schema and the REST body each map it on their own.
 * Its transitions are pure and throw when the state does not allow them.
 */
export abstract class MediaAsset {
  abstract readonly kind: MediaKind;
  id!: string;
  ownerId!: string;
  state!: AssetState;
  filename!: string;
  /** Where the original lies: `gs://bucket/key` or `disk:key`. */
  storageUri!: string;
  mimeType!: string;
  /** Bytes; 0 until they are all in. */
  sizeBytes!: number;
  /** Lower-case hex; empty until the bytes are all in. */
  sha256!: string;
  width!: number | null;
  height!: number | null;
  title!: string | null;
  altText!: string | null;
  tags!: string[];
  createdAt!: Date;
  updatedAt!: Date;

  /** What a client may be told; an asset in `UPLOADING` or `DELETING` is never shown, and asking is a fault of ours. */
  get status(): MediaStatus {
    if (this.state === 'UPLOADING' || this.state === 'DELETING')
      throw new Error(`An asset in ${this.state} has no public status`);
    return this.state;
  }

  protected begin(asset: NewAsset): void {
    this.id = asset.id;
    this.ownerId = asset.ownerId;
    this.state = 'UPLOADING';
    this.filename = asset.filename;
    this.storageUri = asset.storageUri;
    this.mimeType = asset.mimeType;
    this.sizeBytes = 0;
    this.sha256 = '';
    this.width = null;
    this.height = null;
    this.title = asset.title;
    this.altText = asset.altText;
    this.tags = [...asset.tags];
    this.createdAt = asset.now;
    this.updatedAt = asset.now;
  }

  protected arrive(bytes: ByteFacts, now: Date): void {
    if (this.state !== 'UPLOADING') throw new Error(`An asset in ${this.state} cannot take bytes`);
    this.sizeBytes = bytes.sizeBytes;
    this.sha256 = bytes.sha256;
    this.updatedAt = now;
  }
}

/** A still or animated picture. */
export class ImageAsset extends MediaAsset {
  readonly kind = 'IMAGE' as const;
  animated!: boolean;
  hasAlpha!: boolean;
  /** ThumbHash, base64; empty until the bytes are all in. */
  placeholder!: string;
  /** `#rrggbb`. */
  dominantColor!: string | null;
  /** Where {@link focus} is; both or neither. */
  focusX!: number | null;
  focusY!: number | null;

  /** A new image, `UPLOADING`. */
  static begin(asset: NewAsset): ImageAsset {
    const image = new ImageAsset();
    image.begin(asset);
    image.animated = false;
    image.hasAlpha = false;
    image.placeholder = '';
    image.dominantColor = null;
    image.focusX = null;
    image.focusY = null;
    return image;
  }

  /** What a crop keeps in sight: 0 to 1, from the left and from the top of the upright picture. */
  get focus(): { readonly x: number; readonly y: number } | null {
    return this.focusX === null || this.focusY === null ? null : { x: this.focusX, y: this.focusY };
  }

  /** All bytes are stored and proved: the image can be shown. */
  ready(bytes: ByteFacts, facts: ImageFacts, now: Date): void {
    this.arrive(bytes, now);
    this.state = 'READY';
    this.width = facts.width;
    this.height = facts.height;
    this.animated = facts.animated;
    this.hasAlpha = facts.hasAlpha;
    this.placeholder = facts.placeholder;
    this.dominantColor = facts.dominantColor;
  }
}

/** A moving picture. */
export class VideoAsset extends MediaAsset {
  readonly kind = 'VIDEO' as const;
  durationSeconds!: number | null;
  videoCodec!: string | null;
  audioCodec!: string | null;
  frameRate!: number | null;

  /** A new video, `UPLOADING`. */
  static begin(asset: NewAsset): VideoAsset {
    const video = new VideoAsset();
    video.begin(asset);
    video.durationSeconds = null;
    video.videoCodec = null;
    video.audioCodec = null;
    video.frameRate = null;
    return video;
  }

  /** All bytes are stored and probed: the video can be shown. */
  ready(bytes: ByteFacts, facts: VideoFacts, now: Date): void {
    this.arrive(bytes, now);
    this.state = 'READY';
    this.width = facts.width;
    this.height = facts.height;
    this.durationSeconds = facts.durationSeconds;
    this.videoCodec = facts.videoCodec;
    this.audioCodec = facts.audioCodec;
    this.frameRate = facts.frameRate;
  }
}

/** Narrows an asset to its class; the two are told apart by `kind`, because a row comes back as either. */
export function isImage(asset: MediaAsset): asset is ImageAsset {
  return asset.kind === 'IMAGE';
}

/** See {@link isImage}. */
export function isVideo(asset: MediaAsset): asset is VideoAsset {
  return asset.kind === 'VIDEO';
}

/** The answer to an id that does not exist or is somebody else's: both exactly alike. */
export function notFound(): MediakeepError {
  return new MediakeepError('NOT_FOUND', 'There is no such media of yours.');
}
