import type { DeleteMediaMutation, ImageFieldsFragment, MyUsageQuery, VideoFieldsFragment } from './generated.ts';

/** A picture. `srcset` and `placeholder` are what a page needs to show it; `url` is the original. */
export type ImageAsset = Omit<ImageFieldsFragment, 'kind'> & { readonly kind: 'IMAGE' };

/** A video. */
export type VideoAsset = Omit<VideoFieldsFragment, 'kind'> & { readonly kind: 'VIDEO' };

/** An asset; its `kind` tells which. */
export type Asset = ImageAsset | VideoAsset;

/** What became of a deleted asset; `purged` is false when its bytes go later, because the storage did not answer. */
export type DeletedMedia = DeleteMediaMutation['deleteMedia'];

/** What the signed-in user keeps. */
export type Usage = MyUsageQuery['myUsage'];

/** The same asset, of which the type knows that its kind says what it is, as the server's schema has it. */
export function assetOf(fields: ImageFieldsFragment | VideoFieldsFragment): Asset {
  return fields as Asset;
}
