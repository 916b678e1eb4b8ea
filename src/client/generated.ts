/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** Of a document, the types of its variables and its result; the field itself is never there. */
export interface DocumentTypeDecoration<TResult, TVariables> {
  __apiType?: (variables: TVariables) => TResult;
}
/** What is to be known of a file before its bytes are sent. */
export type CreateUploadInput = {
  /** What to read out to somebody who does not see it, at most 2000 characters. */
  readonly altText?: string | null | undefined;
  /** The file's name. */
  readonly filename: string;
  /** Whether it is an image or a video. */
  readonly kind: MediaKind;
  /** The type as the client knows it, `application/octet-stream` when it does not; one that the kind does not accept is UNSUPPORTED_MEDIA_TYPE at once. What the bytes say counts. */
  readonly mimeType: string;
  /** The file's size in bytes, from 1. Exactly so many have to be sent; they count against the quota from now on. */
  readonly size: number;
  /** At most 50 tags of 1 to 64 characters each; repeated ones are kept once. */
  readonly tags?: ReadonlyArray<string> | null | undefined;
  /** A title for people, at most 300 characters. */
  readonly title?: string | null | undefined;
};

/** What crops of a picture keep in sight. */
export type FocusInput = {
  /** From the left (0) to the right (1) of the upright picture. */
  readonly x: number;
  /** From the top (0) to the bottom (1) of the upright picture. */
  readonly y: number;
};

/** What an asset is. */
export type MediaKind =
  /** A still or animated picture: JPEG, PNG, WebP, GIF or AVIF. */
  | 'IMAGE'
  /** A moving picture: MP4, QuickTime, WebM or Matroska. */
  | 'VIDEO';

/** How far the background work on an asset is. The original can be fetched in every status. */
export type MediaStatus =
  /** Stored, but background work failed for good. */
  | 'FAILED'
  /** Stored; background work is still running. */
  | 'PROCESSING'
  /** Stored, and nothing is left to do. */
  | 'READY';

/** What to change of an asset. A field that is left out stays as it is; null clears it. */
export type UpdateMediaInput = {
  /** What to read out to somebody who does not see it, at most 2000 characters. Null clears it. */
  readonly altText?: string | null | undefined;
  /** Images only: what `fit: COVER` keeps in sight, in hundredths. Null leaves it to what draws attention. */
  readonly focus?: FocusInput | null | undefined;
  /** All tags from now on: at most 50 of 1 to 64 characters each; repeated ones are kept once. Null or an empty list clears them. */
  readonly tags?: ReadonlyArray<string> | null | undefined;
  /** A title for people, at most 300 characters. Null clears it. */
  readonly title?: string | null | undefined;
};

type AssetFields_ImageAsset_Fragment = { readonly __typename: 'ImageAsset', readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string };

type AssetFields_VideoAsset_Fragment = { readonly __typename: 'VideoAsset', readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string };

export type AssetFieldsFragment =
  | AssetFields_ImageAsset_Fragment
  | AssetFields_VideoAsset_Fragment
;

export type ImageFieldsFragment = { readonly __typename: 'ImageAsset', readonly animated: boolean, readonly hasAlpha: boolean, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string, readonly focus: { readonly x: number, readonly y: number } | null };

export type VideoFieldsFragment = { readonly __typename: 'VideoAsset', readonly duration: number | null, readonly videoCodec: string | null, readonly audioCodec: string | null, readonly frameRate: number | null, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string };

export type CompleteUploadMutationVariables = Exact<{
  id: string;
}>;


export type CompleteUploadMutation = { readonly completeUpload:
    | { readonly __typename: 'ImageAsset', readonly animated: boolean, readonly hasAlpha: boolean, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string, readonly focus: { readonly x: number, readonly y: number } | null }
    | { readonly __typename: 'VideoAsset', readonly duration: number | null, readonly videoCodec: string | null, readonly audioCodec: string | null, readonly frameRate: number | null, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string }
   };

export type CreateUploadMutationVariables = Exact<{
  input: CreateUploadInput;
}>;


export type CreateUploadMutation = { readonly createUpload: { readonly id: string, readonly url: string, readonly method: string, readonly chunkSize: number, readonly expiresAt: string, readonly headers: ReadonlyArray<{ readonly name: string, readonly value: string }> } };

export type DeleteMediaMutationVariables = Exact<{
  id: string;
}>;


export type DeleteMediaMutation = { readonly deleteMedia: { readonly id: string, readonly purged: boolean } };

export type ImageForPageQueryVariables = Exact<{
  id: string;
  width?: number | null | undefined;
}>;


export type ImageForPageQuery = { readonly media:
    | { readonly __typename: 'ImageAsset', readonly width: number, readonly height: number, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly altText: string | null, readonly rendition: { readonly url: string, readonly width: number | null, readonly height: number | null, readonly mimeType: string } }
    | { readonly __typename: 'VideoAsset', readonly altText: string | null }
   | null };

export type MediaLinkQueryVariables = Exact<{
  id: string;
  expiresIn: number;
}>;


export type MediaLinkQuery = { readonly media:
    | { readonly __typename: 'ImageAsset', readonly id: string, readonly url: string }
    | { readonly __typename: 'VideoAsset', readonly id: string, readonly url: string }
   | null };

export type MediaQueryVariables = Exact<{
  id: string;
}>;


export type MediaQuery = { readonly media:
    | { readonly __typename: 'ImageAsset', readonly animated: boolean, readonly hasAlpha: boolean, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string, readonly focus: { readonly x: number, readonly y: number } | null }
    | { readonly __typename: 'VideoAsset', readonly duration: number | null, readonly videoCodec: string | null, readonly audioCodec: string | null, readonly frameRate: number | null, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string }
   | null };

export type MyMediaQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  kind?: MediaKind | null | undefined;
  status?: MediaStatus | null | undefined;
  tag?: string | null | undefined;
  search?: string | null | undefined;
}>;


export type MyMediaQuery = { readonly myMedia: { readonly totalCount: number, readonly pageInfo: { readonly hasNextPage: boolean, readonly hasPreviousPage: boolean, readonly startCursor: string | null, readonly endCursor: string | null }, readonly edges: ReadonlyArray<{ readonly cursor: string, readonly node:
        | { readonly __typename: 'ImageAsset', readonly animated: boolean, readonly hasAlpha: boolean, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string, readonly focus: { readonly x: number, readonly y: number } | null }
        | { readonly __typename: 'VideoAsset', readonly duration: number | null, readonly videoCodec: string | null, readonly audioCodec: string | null, readonly frameRate: number | null, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string }
       }> } };

export type MyUsageQueryVariables = Exact<{ [key: string]: never; }>;


export type MyUsageQuery = { readonly myUsage: { readonly count: number, readonly bytes: number, readonly quotaBytes: number | null } };

export type UpdateMediaMutationVariables = Exact<{
  id: string;
  input: UpdateMediaInput;
}>;


export type UpdateMediaMutation = { readonly updateMedia:
    | { readonly __typename: 'ImageAsset', readonly animated: boolean, readonly hasAlpha: boolean, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string, readonly focus: { readonly x: number, readonly y: number } | null }
    | { readonly __typename: 'VideoAsset', readonly duration: number | null, readonly videoCodec: string | null, readonly audioCodec: string | null, readonly frameRate: number | null, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string }
   };

export type UploadImageMutationVariables = Exact<{
  file: File | Blob;
  title?: string | null | undefined;
  altText?: string | null | undefined;
  tags?: ReadonlyArray<string> | null | undefined;
}>;


export type UploadImageMutation = { readonly uploadImage: { readonly __typename: 'ImageAsset', readonly animated: boolean, readonly hasAlpha: boolean, readonly placeholder: string, readonly dominantColor: string | null, readonly srcset: string, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number, readonly height: number, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string, readonly focus: { readonly x: number, readonly y: number } | null } };

export type UploadVideoMutationVariables = Exact<{
  file: File | Blob;
  title?: string | null | undefined;
  altText?: string | null | undefined;
  tags?: ReadonlyArray<string> | null | undefined;
}>;


export type UploadVideoMutation = { readonly uploadVideo: { readonly __typename: 'VideoAsset', readonly duration: number | null, readonly videoCodec: string | null, readonly audioCodec: string | null, readonly frameRate: number | null, readonly id: string, readonly kind: MediaKind, readonly status: MediaStatus, readonly filename: string, readonly mimeType: string, readonly size: number, readonly sha256: string, readonly width: number | null, readonly height: number | null, readonly title: string | null, readonly altText: string | null, readonly tags: ReadonlyArray<string>, readonly url: string, readonly createdAt: string, readonly updatedAt: string } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const AssetFieldsFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
    `, {"fragmentName":"AssetFields"}) as unknown as TypedDocumentString<AssetFieldsFragment, unknown>;
export const ImageFieldsFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment ImageFields on ImageAsset {
  ...AssetFields
  animated
  hasAlpha
  placeholder
  dominantColor
  srcset(format: AUTO)
  focus {
    x
    y
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}`, {"fragmentName":"ImageFields"}) as unknown as TypedDocumentString<ImageFieldsFragment, unknown>;
export const VideoFieldsFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment VideoFields on VideoAsset {
  ...AssetFields
  duration
  videoCodec
  audioCodec
  frameRate
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}`, {"fragmentName":"VideoFields"}) as unknown as TypedDocumentString<VideoFieldsFragment, unknown>;
export const CompleteUploadDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation CompleteUpload($id: ID!) {
  completeUpload(id: $id) {
    ...ImageFields
    ...VideoFields
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
fragment ImageFields on ImageAsset {
  ...AssetFields
  animated
  hasAlpha
  placeholder
  dominantColor
  srcset(format: AUTO)
  focus {
    x
    y
  }
}
fragment VideoFields on VideoAsset {
  ...AssetFields
  duration
  videoCodec
  audioCodec
  frameRate
}`) as unknown as TypedDocumentString<CompleteUploadMutation, CompleteUploadMutationVariables>;
export const CreateUploadDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation CreateUpload($input: CreateUploadInput!) {
  createUpload(input: $input) {
    id
    url
    method
    headers {
      name
      value
    }
    chunkSize
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<CreateUploadMutation, CreateUploadMutationVariables>;
export const DeleteMediaDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation DeleteMedia($id: ID!) {
  deleteMedia(id: $id) {
    id
    purged
  }
}
    `) as unknown as TypedDocumentString<DeleteMediaMutation, DeleteMediaMutationVariables>;
export const ImageForPageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query ImageForPage($id: ID!, $width: Int = 1024) {
  media(id: $id) {
    __typename
    altText
    ... on ImageAsset {
      width
      height
      placeholder
      dominantColor
      srcset(format: AUTO)
      rendition(width: $width, format: AUTO) {
        url
        width
        height
        mimeType
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ImageForPageQuery, ImageForPageQueryVariables>;
export const MediaLinkDocument = /*#__PURE__*/ new TypedDocumentString(`
    query MediaLink($id: ID!, $expiresIn: Int!) {
  media(id: $id) {
    __typename
    id
    url(expiresIn: $expiresIn)
  }
}
    `) as unknown as TypedDocumentString<MediaLinkQuery, MediaLinkQueryVariables>;
export const MediaDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Media($id: ID!) {
  media(id: $id) {
    ...ImageFields
    ...VideoFields
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
fragment ImageFields on ImageAsset {
  ...AssetFields
  animated
  hasAlpha
  placeholder
  dominantColor
  srcset(format: AUTO)
  focus {
    x
    y
  }
}
fragment VideoFields on VideoAsset {
  ...AssetFields
  duration
  videoCodec
  audioCodec
  frameRate
}`) as unknown as TypedDocumentString<MediaQuery, MediaQueryVariables>;
export const MyMediaDocument = /*#__PURE__*/ new TypedDocumentString(`
    query MyMedia($first: Int, $after: String, $kind: MediaKind, $status: MediaStatus, $tag: String, $search: String) {
  myMedia(
    first: $first
    after: $after
    kind: $kind
    status: $status
    tag: $tag
    search: $search
  ) {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      cursor
      node {
        ...ImageFields
        ...VideoFields
      }
    }
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
fragment ImageFields on ImageAsset {
  ...AssetFields
  animated
  hasAlpha
  placeholder
  dominantColor
  srcset(format: AUTO)
  focus {
    x
    y
  }
}
fragment VideoFields on VideoAsset {
  ...AssetFields
  duration
  videoCodec
  audioCodec
  frameRate
}`) as unknown as TypedDocumentString<MyMediaQuery, MyMediaQueryVariables>;
export const MyUsageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query MyUsage {
  myUsage {
    count
    bytes
    quotaBytes
  }
}
    `) as unknown as TypedDocumentString<MyUsageQuery, MyUsageQueryVariables>;
export const UpdateMediaDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation UpdateMedia($id: ID!, $input: UpdateMediaInput!) {
  updateMedia(id: $id, input: $input) {
    ...ImageFields
    ...VideoFields
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
fragment ImageFields on ImageAsset {
  ...AssetFields
  animated
  hasAlpha
  placeholder
  dominantColor
  srcset(format: AUTO)
  focus {
    x
    y
  }
}
fragment VideoFields on VideoAsset {
  ...AssetFields
  duration
  videoCodec
  audioCodec
  frameRate
}`) as unknown as TypedDocumentString<UpdateMediaMutation, UpdateMediaMutationVariables>;
export const UploadImageDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation UploadImage($file: Upload!, $title: String, $altText: String, $tags: [String!]) {
  uploadImage(file: $file, title: $title, altText: $altText, tags: $tags) {
    ...ImageFields
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
fragment ImageFields on ImageAsset {
  ...AssetFields
  animated
  hasAlpha
  placeholder
  dominantColor
  srcset(format: AUTO)
  focus {
    x
    y
  }
}`) as unknown as TypedDocumentString<UploadImageMutation, UploadImageMutationVariables>;
export const UploadVideoDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation UploadVideo($file: Upload!, $title: String, $altText: String, $tags: [String!]) {
  uploadVideo(file: $file, title: $title, altText: $altText, tags: $tags) {
    ...VideoFields
  }
}
    fragment AssetFields on MediaAsset {
  __typename
  id
  kind
  status
  filename
  mimeType
  size
  sha256
  width
  height
  title
  altText
  tags
  url
  createdAt
  updatedAt
}
fragment VideoFields on VideoAsset {
  ...AssetFields
  duration
  videoCodec
  audioCodec
  frameRate
}`) as unknown as TypedDocumentString<UploadVideoMutation, UploadVideoMutationVariables>;