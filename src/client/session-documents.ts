import {
  type ImageFieldsFragment,
  MediaDocument,
  type MediaKind,
  TypedDocumentString,
  type VideoFieldsFragment,
} from './generated.ts';

export const CreateUploadDocument = /*#__PURE__*/ new TypedDocumentString<
  {
    createUpload: {
      id: string;
      url: string;
      headers: readonly { name: string; value: string }[];
      chunkSize: number;
      expiresAt: string;
    };
  },
  {
    input: {
      kind: MediaKind;
      filename: string;
      mimeType: string;
      size: number;
      title?: string | null | undefined;
      altText?: string | null | undefined;
      tags?: readonly string[] | null | undefined;
    };
  }
>(
  'mutation CreateUpload($input: CreateUploadInput!) { createUpload(input: $input) { id url headers { name value } chunkSize expiresAt } }',
);

export const CompleteUploadDocument = /*#__PURE__*/ new TypedDocumentString<
  { completeUpload: ImageFieldsFragment | VideoFieldsFragment },
  { id: string }
>(String(MediaDocument).replace('query Media', 'mutation CompleteUpload').replace('media(id', 'completeUpload(id'));
