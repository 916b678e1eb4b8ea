import 'reflect-metadata';
import { ArgsType, Field, Float, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { ImageFit, ImageFormat } from '../media/renditions.ts';
import { AbsoluteUrl } from './scalars.ts';

/** The schema's ImageFit; its values are the domain's. */
export const ImageFitEnum = {
  INSIDE: 'INSIDE',
  COVER: 'COVER',
  CONTAIN: 'CONTAIN',
} as const satisfies Record<ImageFit, ImageFit>;

/** The schema's ImageFormat; its values are the domain's. */
export const ImageFormatEnum = {
  AUTO: 'AUTO',
  WEBP: 'WEBP',
  AVIF: 'AVIF',
  JPEG: 'JPEG',
  PNG: 'PNG',
} as const satisfies Record<ImageFormat, ImageFormat>;

registerEnumType(ImageFitEnum, {
  name: 'ImageFit',
  description:
    'How a picture meets the box that is asked for. It is never enlarged: the box shrinks to what the original can fill.',
  valuesConfig: {
    INSIDE: { description: 'All of the picture fits into the box.' },
    COVER: {
      description:
        'The picture fills the box; what stands over is cropped, around the focus or else around what draws attention.',
    },
    CONTAIN: { description: 'All of the picture fits into the box, which is padded: transparent or, in JPEG, white.' },
  },
});

registerEnumType(ImageFormatEnum, {
  name: 'ImageFormat',
  description: 'What a rendition is encoded in.',
  valuesConfig: {
    AUTO: {
      description:
        'The best that the `Accept` of the request for the bytes names: AVIF or WebP, else PNG with transparency and JPEG without. The answers carry `Vary: Accept`.',
    },
    WEBP: { description: 'WebP; an animation stays one, unless it is very large.' },
    AVIF: { description: 'AVIF; of an animation the first frame. The smallest files; the first request waits longest.' },
    JPEG: { description: 'JPEG, on white; of an animation the first frame.' },
    PNG: { description: 'PNG; of an animation the first frame.' },
  },
});

/** The schema's Rendition. */
@ObjectType('Rendition', {
  simpleResolvers: true,
  description: 'A picture made of an asset when it is first fetched, and kept: upright, sRGB, without metadata (EXIF, GPS).',
})
export class RenditionType {
  @Field(() => AbsoluteUrl, {
    description:
      'A signed link, for whoever holds it, that lives 24 to 30 hours and dies with the asset. It is the same for everybody who asks within 6 hours, so that browsers and CDNs can cache.',
  })
  url!: string;

  @Field(() => Int, { nullable: true, description: "The file's width in pixels; of a picture never null." })
  width!: number | null;

  @Field(() => Int, { nullable: true, description: "The file's height in pixels; of a picture never null." })
  height!: number | null;

  @Field(() => String, { description: 'The media type; `image/*` when the request for the bytes decides.' })
  mimeType!: string;
}

/** The schema's Focus. */
@ObjectType('Focus', { simpleResolvers: true, description: 'What crops of a picture keep in sight.' })
export class FocusType {
  @Field(() => Float, { description: 'From the left (0) to the right (1) of the upright picture.' })
  x!: number;

  @Field(() => Float, { description: 'From the top (0) to the bottom (1) of the upright picture.' })
  y!: number;
}

/** The schema's FocusInput. */
@InputType('FocusInput', { description: 'What crops of a picture keep in sight.' })
export class FocusInputType {
  @Field(() => Float, { description: 'From the left (0) to the right (1) of the upright picture.' })
  x!: number;

  @Field(() => Float, { description: 'From the top (0) to the bottom (1) of the upright picture.' })
  y!: number;
}

/** The arguments of `rendition`. */
@ArgsType()
export class RenditionArguments {
  @Field(() => Int, {
    nullable: true,
    description:
      'Width of the box in pixels, from 1, rounded up to 64, 128, 256, 384, 512, 640, 768, 1024, 1280, 1600, 1920, 2560 or 3840; more counts as 3840. Without width and height: the size of the original.',
  })
  width?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Height of the box in pixels, from 1. Beside a width it sets the proportions, which stay when the width is rounded.',
  })
  height?: number | null;

  @Field(() => ImageFitEnum, { nullable: true, defaultValue: 'INSIDE', description: 'How the picture meets the box.' })
  fit?: ImageFit | null;

  @Field(() => ImageFormatEnum, { nullable: true, defaultValue: 'WEBP', description: 'What to encode it in.' })
  format?: ImageFormat | null;
}
