import 'reflect-metadata';
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, FieldResolver, ID, Info, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { MediakeepError } from '../errors.ts';
import { cursorOf, type Page } from '../media/library.ts';
import { MediaAsset, type MediaKind } from '../media/media-asset.ts';
import type { GraphqlContext } from './context.ts';
import { UpdateMediaInputType, UploadArguments } from './input-types.ts';
import { DeletedMediaType, MediaAssetConnectionType, MediaUsageType, MyMediaArguments } from './list-types.ts';
import { ImageAssetType, MediaAssetType, VideoAssetType } from './media-types.ts';
import { AbsoluteUrl } from './scalars.ts';

/** How long a link lives when nobody says, in seconds. */
const defaultLinkSeconds = 3600;

/** Every query and mutation: each translates its arguments and asks the library. */
@Resolver()
export class MediaResolver {
  @Query(() => MediaAssetConnectionType, {
    description: "A page of the signed-in user's assets, newest first. Errors: UNAUTHENTICATED, BAD_USER_INPUT.",
  })
  async myMedia(
    @Args(() => MyMediaArguments) list: MyMediaArguments,
    @Ctx() { library, userId }: GraphqlContext,
  ): Promise<unknown> {
    return connection(await library.page(await userId(), list));
  }

  @Query(() => MediaAssetType, {
    nullable: true,
    description:
      "One of the signed-in user's assets. Null when there is none of this id, or it is somebody else's. Errors: UNAUTHENTICATED.",
  })
  async media(
    @Arg('id', () => ID, { description: "The asset's id." }) id: string,
    @Ctx() { library, userId }: GraphqlContext,
  ): Promise<unknown> {
    return await library.get(await userId(), id);
  }

  @Query(() => MediaUsageType, { description: 'How much the signed-in user keeps here. Errors: UNAUTHENTICATED.' })
  async myUsage(@Ctx() { library, userId }: GraphqlContext): Promise<unknown> {
    return await library.usage(await userId());
  }

  @Mutation(() => ImageAssetType, {
    description:
      'Uploads a picture: JPEG, PNG, WebP, GIF or AVIF. When it answers, the bytes are stored and proved whole; when it fails, nothing is left. ' +
      'Errors: UNAUTHENTICATED, BAD_USER_INPUT, UNSUPPORTED_MEDIA_TYPE, INVALID_MEDIA, FILE_TOO_LARGE, QUOTA_EXCEEDED, IDEMPOTENCY_CONFLICT, RATE_LIMITED, OVERLOADED, STORAGE_UNAVAILABLE.',
  })
  async uploadImage(
    @Args(() => UploadArguments) upload: UploadArguments,
    @Ctx() context: GraphqlContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<unknown> {
    return await receive('IMAGE', upload, context, info);
  }

  @Mutation(() => VideoAssetType, {
    description:
      'Uploads a video: MP4, QuickTime, WebM or Matroska. The bytes flow through to the storage; when it fails, nothing is left. ' +
      'Errors: UNAUTHENTICATED, BAD_USER_INPUT, UNSUPPORTED_MEDIA_TYPE, INVALID_MEDIA, FILE_TOO_LARGE, QUOTA_EXCEEDED, IDEMPOTENCY_CONFLICT, RATE_LIMITED, OVERLOADED, STORAGE_UNAVAILABLE.',
  })
  async uploadVideo(
    @Args(() => UploadArguments) upload: UploadArguments,
    @Ctx() context: GraphqlContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<unknown> {
    return await receive('VIDEO', upload, context, info);
  }

  @Mutation(() => MediaAssetType, {
    description: 'Changes title, altText, tags or focus of an asset. Errors: UNAUTHENTICATED, NOT_FOUND, BAD_USER_INPUT.',
  })
  async updateMedia(
    @Arg('id', () => ID, { description: "The asset's id." }) id: string,
    @Arg('input', () => UpdateMediaInputType, { description: 'What to change.' }) input: UpdateMediaInputType,
    @Ctx() { library, userId }: GraphqlContext,
  ): Promise<unknown> {
    return await library.update(await userId(), id, input);
  }

  @Mutation(() => DeletedMediaType, {
    description:
      'Deletes an asset for good, its bytes included; its links die at once. An upload that is not complete is taken back. Errors: UNAUTHENTICATED, NOT_FOUND.',
  })
  async deleteMedia(
    @Arg('id', () => ID, { description: "The asset's id." }) id: string,
    @Ctx() { library, userId }: GraphqlContext,
  ): Promise<unknown> {
    return await library.remove(await userId(), id);
  }
}

/** The one field of an asset that is computed. */
@Resolver(() => MediaAssetType)
export class LinkResolver {
  @FieldResolver(() => AbsoluteUrl, {
    description:
      'A link to the original bytes, for whoever holds it: no sign-in is asked for. It answers GET and HEAD, also of ranges, and dies with the asset. ' +
      'Links asked for within the same quarter of `expiresIn` are identical, so that they can be cached.',
  })
  url(
    @Root() asset: MediaAsset,
    @Arg('expiresIn', () => Int, {
      nullable: true,
      defaultValue: defaultLinkSeconds,
      description:
        'How long the link lives at least, in seconds, 1 to 604800 (a week); up to a quarter longer. BAD_USER_INPUT otherwise.',
    })
    expiresIn: number | null,
    @Ctx() { library }: GraphqlContext,
  ): string {
    return library.linkTo(asset, expiresIn ?? defaultLinkSeconds);
  }
}

async function receive(
  kind: MediaKind,
  { file, ...described }: UploadArguments,
  context: GraphqlContext,
  info: GraphQLResolveInfo,
): Promise<MediaAsset> {
  const { library, userId, form, nextUploadKey } = context;
  const ownerId = await userId();
  if (form === undefined) throw new MediakeepError('BAD_USER_INPUT', 'A file must be a part of a multipart request.');
  const idempotencyKey = nextUploadKey();
  return await form.use(file, info.operation, (arrived) =>
    library.upload(ownerId, { kind, ...described, ...arrived, idempotencyKey }),
  );
}

/** Functions are called when their field is asked for, and not before. */
function connection({ assets, hasNextPage, hasPreviousPage, totalCount }: Page): unknown {
  const cursorAt = (index: number) => (): string | null => {
    const asset = assets.at(index);
    return asset === undefined ? null : cursorOf(asset);
  };
  return {
    edges: assets.map((node) => ({ node, cursor: () => cursorOf(node) })),
    pageInfo: { hasNextPage, hasPreviousPage, startCursor: cursorAt(0), endCursor: cursorAt(-1) },
    totalCount,
  };
}
