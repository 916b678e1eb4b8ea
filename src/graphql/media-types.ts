import 'reflect-metadata';
import { Field, Float, ID, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql';
import type { MediaKind, MediaStatus } from '../media/media-asset.ts';
import { FocusType } from './image-types.ts';
import { DateTime, SafeInt } from './scalars.ts';

/** The schema's MediaKind; its values are the domain's. */
export const MediaKindEnum = { IMAGE: 'IMAGE', VIDEO: 'VIDEO' } as const satisfies Record<MediaKind, MediaKind>;

/** The schema's MediaStatus; its values are the domain's. */
export const MediaStatusEnum = {
  PROCESSING: 'PROCESSING',
  READY: 'READY',
  FAILED: 'FAILED',
} as const satisfies Record<MediaStatus, MediaStatus>;

registerEnumType(MediaKindEnum, {
  name: 'MediaKind',
  description: 'What an asset is.',
  valuesConfig: {
    IMAGE: { description: 'A still or animated picture: JPEG, PNG, WebP, GIF or AVIF.' },
    VIDEO: { description: 'A moving picture: MP4, QuickTime, WebM or Matroska.' },
  },
});

registerEnumType(MediaStatusEnum, {
  name: 'MediaStatus',
  description: 'How far the background work on an asset is. The original can be fetched in every status.',
  valuesConfig: {
    PROCESSING: { description: 'Stored; background work is still running.' },
    READY: { description: 'Stored, and nothing is left to do.' },
    FAILED: { description: 'Stored, but background work failed for good.' },
  },
});

/**
 * The schema's MediaAsset. These classes describe the schema only: resolvers hand out the domain's objects, and a field reads the property
 * of the same name as here (`sizeBytes` is shown as `size`).
 */
@InterfaceType('MediaAsset', { description: 'An image or video that the signed-in user keeps here.' })
export abstract class MediaAssetType {
  @Field(() => ID, { description: 'A UUIDv7: assets made later have greater ids.' })
  id!: string;

  @Field(() => MediaKindEnum, { description: 'Whether it is an image or a video.' })
  kind!: MediaKind;

  @Field(() => MediaStatusEnum, { description: 'How far the background work on it is.' })
  status!: MediaStatus;

  @Field(() => String, {
    description:
      "The file's name as it was sent, cleaned: no path, no control or direction-override characters, at most 255 bytes of UTF-8.",
  })
  filename!: string;

  @Field(() => String, {
    description: 'The media type found in the bytes, such as `image/png`; what the client declared has no say.',
  })
  mimeType!: string;

  @Field(() => SafeInt, { name: 'size', simple: false, description: "The original's size in bytes." })
  sizeBytes!: number;

  @Field(() => String, { description: 'SHA-256 of the original, byte for byte as uploaded, in lower-case hex.' })
  sha256!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'Width in pixels, upright: orientation or rotation is applied. Null when unknown.',
  })
  width!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Height in pixels, upright: orientation or rotation is applied. Null when unknown.',
  })
  height!: number | null;

  @Field(() => String, { nullable: true, description: 'A title for people, at most 300 characters.' })
  title!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What to read out to somebody who does not see it, at most 2000 characters.',
  })
  altText!: string | null;

  @Field(() => [String], { description: 'At most 50 different tags of at most 64 characters each, in the order given.' })
  tags!: string[];

  @Field(() => DateTime, { description: 'When the upload began.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When the asset last changed.' })
  updatedAt!: Date;
}

/** The schema's ImageAsset. */
@ObjectType('ImageAsset', {
  implements: MediaAssetType,
  simpleResolvers: true,
  description: 'A still or animated picture. The original is kept byte for byte, its metadata (EXIF, GPS) included.',
})
export class ImageAssetType extends MediaAssetType {
  @Field(() => Int, { description: 'Width in pixels, upright: the EXIF orientation is applied.' })
  declare width: number;

  @Field(() => Int, { description: 'Height in pixels, upright: the EXIF orientation is applied.' })
  declare height: number;

  @Field(() => Boolean, { description: 'Whether it has more than one frame.' })
  animated!: boolean;

  @Field(() => Boolean, { description: 'Whether it has an alpha channel, and so may be transparent somewhere.' })
  hasAlpha!: boolean;

  @Field(() => String, {
    description:
      'A ThumbHash, base64: about 25 bytes that draw a blurred picture while the real one loads. https://evanw.github.io/thumbhash/',
  })
  placeholder!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The colour most of it is near to, `#rrggbb`. Null when it is all but transparent, or unknown.',
  })
  dominantColor!: string | null;

  @Field(() => FocusType, {
    nullable: true,
    description: 'What `fit: COVER` keeps in sight. Null when nobody has said: then it finds by itself what draws attention.',
  })
  focus!: FocusType | null;
}

/** The schema's VideoAsset. */
@ObjectType('VideoAsset', {
  implements: MediaAssetType,
  simpleResolvers: true,
  description: 'A moving picture. The original is kept byte for byte.',
})
export class VideoAssetType extends MediaAssetType {
  @Field(() => Float, {
    name: 'duration',
    simple: false,
    nullable: true,
    description: 'Length in seconds. Null when the file does not tell.',
  })
  durationSeconds!: number | null;

  @Field(() => String, { nullable: true, description: 'The codec of the picture, such as `avc` or `vp9`. Null when unknown.' })
  videoCodec!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The codec of the sound, such as `aac` or `opus`. Null when there is none, or it is unknown.',
  })
  audioCodec!: string | null;

  @Field(() => Float, { nullable: true, description: 'Frames per second, on average. Null when unknown.' })
  frameRate!: number | null;
}
