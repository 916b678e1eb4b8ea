import { type Asset, assetOf, type DeletedMedia, type Usage } from './assets.ts';
import { type ConnectionOptions, connect, run } from './connection.ts';
import {
  DeleteMediaDocument,
  MediaDocument,
  MyUsageDocument,
  type TypedDocumentString,
  UpdateMediaDocument,
  type UpdateMediaInput,
} from './generated.ts';
import { type AssetList, type ListOptions, listOf, type Page, type PageOptions, pageOf } from './lists.ts';
import { uploadWhole } from './multipart-upload.ts';
import type { ResumeStore } from './resume-store.ts';
import { callsOf, discardSession, uploadBySession } from './session-upload.ts';
import { isLarge, type UploadOptions, uploadOf } from './upload-options.ts';

/** What goes along with a request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A user's way to their media. Every promise rejects with MediakeepError, or with the reason of the signal that was given. */
export interface MediakeepClient {
  /** Uploads a file, and resolves when the server has proved it whole. */
  upload(file: File | Blob, options?: UploadOptions): Promise<Asset>;
  /** Ends an upload that was paused (aborted with a resume store): the server forgets it at once. */
  discard(file: File | Blob, resume: ResumeStore): Promise<void>;
  /** One asset; null when there is none of this id. */
  media(id: string, options?: RequestOptions): Promise<Asset | null>;
  /** Changes what is said of an asset: what is left out stays, null clears. */
  update(id: string, input: UpdateMediaInput, options?: RequestOptions): Promise<Asset>;
  /** Deletes an asset for good. */
  delete(id: string, options?: RequestOptions): Promise<DeletedMedia>;
  usage(options?: RequestOptions): Promise<Usage>;
  /** All assets that a filter fits, newest first: `for await (const asset of client.list())`. */
  list(options?: ListOptions): AssetList;
  page(options?: PageOptions): Promise<Page>;
  /** Runs any operation, such as one of your own by codegen, and resolves with its data. Files may stand anywhere in the variables. */
  request<TData, TVariables>(
    document: TypedDocumentString<TData, TVariables>,
    variables: TVariables,
    options?: RequestOptions,
  ): Promise<TData>;
}

/** Makes a client; nothing is sent yet. */
export function createClient(options: ConnectionOptions): MediakeepClient {
  const connection = connect(options);
  return {
    async upload(file, how = {}) {
      const upload = uploadOf(file, how);
      return isLarge(upload)
        ? await uploadBySession(connection, upload, callsOf(connection))
        : await uploadWhole(connection, upload);
    },
    discard: async (file, resume) => await discardSession(connection, file, resume),
    async media(id, how) {
      const { media } = await run(connection, MediaDocument, { id }, how);
      return media && assetOf(media);
    },
    update: async (id, input, how) => assetOf((await run(connection, UpdateMediaDocument, { id, input }, how)).updateMedia),
    delete: async (id, how) => (await run(connection, DeleteMediaDocument, { id }, how)).deleteMedia,
    usage: async (how) => (await run(connection, MyUsageDocument, {}, how)).myUsage,
    list: (how = {}) => listOf(connection, how),
    page: async (how = {}) => await pageOf(connection, how),
    request: async (document, variables, how) => await run(connection, document, variables, how),
  };
}
