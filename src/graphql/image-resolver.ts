import 'reflect-metadata';
import { Arg, Args, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { Rendition } from '../media/delivery.ts';
import type { ImageAsset } from '../media/media-asset.ts';
import type { ImageFormat } from '../media/renditions.ts';
import type { GraphqlContext } from './context.ts';
import { ImageFormatEnum, RenditionArguments, RenditionType } from './image-types.ts';
import { ImageAssetType } from './media-types.ts';

/** What an image is asked for its pages: renditions, alone or as a `srcset`. */
@Resolver(() => ImageAssetType)
export class ImageResolver {
  @FieldResolver(() => RenditionType, {
    description: 'A picture of this size, made when its link is first opened. BAD_USER_INPUT for a width or height below 1.',
  })
  rendition(
    @Root() image: ImageAsset,
    @Args(() => RenditionArguments) request: RenditionArguments,
    @Ctx() { library }: GraphqlContext,
  ): Rendition {
    return library.renditionOf(image, request);
  }

  @FieldResolver(() => String, {
    description:
      'Renditions of the whole picture for `<img srcset>`: links with their true widths, each width once and none larger than the original.',
  })
  srcset(
    @Root() image: ImageAsset,
    @Arg('widths', () => [Int], {
      nullable: true,
      description:
        'At most 20 widths, each as in `rendition`; without them 384, 640, 1024, 1600 and 2560. BAD_USER_INPUT otherwise.',
    })
    widths: number[] | null | undefined,
    @Arg('format', () => ImageFormatEnum, { nullable: true, defaultValue: 'WEBP', description: 'What to encode them in.' })
    format: ImageFormat | null,
    @Ctx() { library }: GraphqlContext,
  ): string {
    return library.srcsetOf(image, { widths, format });
  }
}
