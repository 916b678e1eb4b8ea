import type { AnnouncedUpload, UploadSessions } from '../media/ports.ts';
import { asStorageFailure } from './gcs-failure.ts';
import { settingsOf, startSession, type UploadTools } from './gcs-upload.ts';
import { endSession } from './session.ts';

/** Sessions that a client speaks to by itself: the bucket takes the bytes, and knows neither us nor our token. */
export class BucketSessions implements UploadSessions {
  readonly receiver = undefined;
  readonly #tools: UploadTools;

  constructor(tools: UploadTools) {
    this.#tools = tools;
  }

  async open(key: string, announced: AnnouncedUpload): Promise<string> {
    const { sizeBytes, origin, signal } = announced;
    try {
      return await startSession(this.#tools, settingsOf(key, announced), { pins: { sizeBytes, origin }, signal });
    } catch (error) {
      throw asStorageFailure(error);
    }
  }

  /** Without a URI there is nothing to end: one whose answer was lost is known to nobody, and dies within a week. */
  async cancel(_key: string, uri: string | undefined, signal: AbortSignal): Promise<void> {
    if (uri === undefined) return;
    try {
      await endSession(this.#tools.http, uri, { patience: this.#tools.patience, signal });
    } catch (error) {
      throw asStorageFailure(error);
    }
  }
}
