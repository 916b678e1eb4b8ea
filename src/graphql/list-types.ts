import 'reflect-metadata';
import { ArgsType, Field, ID, Int, ObjectType } from 'type-graphql';
import type { MediaKind, MediaStatus } from '../media/media-asset.ts';
import { MediaAssetType, MediaKindEnum, MediaStatusEnum } from './media-types.ts';
import { SafeInt } from './scalars.ts';

/** The arguments of `myMedia`. */
@ArgsType()
export class MyMediaArguments {
  @Field(() => Int, {
    nullable: true,
    defaultValue: 20,
    description: 'How many assets at most, 1 to 100; BAD_USER_INPUT otherwise.',
  })
  first?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only what comes after this cursor, taken from `endCursor` or an edge; BAD_USER_INPUT when it is not one of ours.',
  })
  after?: string | null;

  @Field(() => MediaKindEnum, { nullable: true, description: 'Only assets of this kind.' })
  kind?: MediaKind | null;

  @Field(() => MediaStatusEnum, { nullable: true, description: 'Only assets in this status.' })
  status?: MediaStatus | null;

  @Field(() => String, { nullable: true, description: 'Only assets that have exactly this tag.' })
  tag?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only assets with this text, in upper or lower case, in filename, title or altText; `%` and `_` mean themselves. At most 200 characters.',
  })
  search?: string | null;
}

/** The schema's PageInfo. */
@ObjectType('PageInfo', { simpleResolvers: true, description: 'Where a page lies in its list (Relay).' })
export class PageInfoType {
  @Field(() => Boolean, { description: 'Whether there are more assets after this page.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether the page was asked for with `after`, so that there are assets before it.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The first edge's cursor; null on an empty page." })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: "The last edge's cursor, for `after`; null on an empty page." })
  endCursor!: string | null;
}

/** The schema's MediaAssetEdge. */
@ObjectType('MediaAssetEdge', { simpleResolvers: true, description: 'An asset at its place in a list (Relay).' })
export class MediaAssetEdgeType {
  @Field(() => String, { description: 'This place, for `after`. Opaque; it stays valid when the asset is deleted.' })
  cursor!: string;

  @Field(() => MediaAssetType, { description: 'The asset.' })
  node!: MediaAssetType;
}

/** The schema's MediaAssetConnection. */
@ObjectType('MediaAssetConnection', { simpleResolvers: true, description: 'A page of assets, newest first (Relay).' })
export class MediaAssetConnectionType {
  @Field(() => [MediaAssetEdgeType], { description: 'The assets of this page, newest first.' })
  edges!: MediaAssetEdgeType[];

  @Field(() => PageInfoType, { description: 'Where the page lies.' })
  pageInfo!: PageInfoType;

  @Field(() => Int, { description: 'How many assets the filter fits in all, on every page. Counted only when asked for.' })
  totalCount!: number;
}

/** The schema's DeletedMedia. */
@ObjectType('DeletedMedia', { simpleResolvers: true, description: 'An asset that is gone.' })
export class DeletedMediaType {
  @Field(() => ID, { description: "The asset's id; nothing answers to it any more." })
  id!: string;

  @Field(() => Boolean, {
    description:
      'Whether the bytes are gone too. False when the storage did not answer: they are removed later, as soon as it does.',
  })
  purged!: boolean;
}

/** The schema's MediaUsage. */
@ObjectType('MediaUsage', { simpleResolvers: true, description: 'How much the signed-in user keeps here.' })
export class MediaUsageType {
  @Field(() => Int, { description: 'How many assets.' })
  count!: number;

  @Field(() => SafeInt, { name: 'bytes', simple: false, description: 'Bytes of all originals together.' })
  sizeBytes!: number;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'The most bytes the user may keep, running uploads counted; null when there is no limit.',
  })
  quotaBytes!: number | null;
}
