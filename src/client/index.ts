/** What the package's `./client` export offers; nothing else of it is public. */
export type { Asset, DeletedMedia, ImageAsset, Usage, VideoAsset } from './assets.ts';
export { createClient, type MediakeepClient, type RequestOptions } from './client.ts';
export type { ConnectionOptions } from './connection.ts';
export { type ErrorCode, type Failure, MediakeepError, type ServerErrorCode } from './errors.ts';
export * from './generated.ts';
export type { AssetList, ListFilter, ListOptions, Page, PageOptions } from './lists.ts';
export { type ResumeStore, type WebStorage, webStorage } from './resume-store.ts';
export type { RetryOptions } from './retry.ts';
export type { Description, UploadOptions, UploadProgress } from './upload-options.ts';
