/** The one door to the SDK: what the page uses of it. */
export {
  type Asset,
  createClient,
  type ImageAsset,
  type MediakeepClient,
  MediakeepError,
  MediaLinkDocument,
  type ResumeStore,
  type UpdateMediaInput,
  type Usage,
  type VideoAsset,
} from '../client/index.ts';
