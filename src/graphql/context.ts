import type { MediaLibrary } from '../media/library.ts';
import type { UploadForm } from './upload-form.ts';

/** What the resolvers of one request share. */
export interface GraphqlContext {
  readonly library: MediaLibrary;
  /** The signed-in user's id; UNAUTHENTICATED when there is none. Cheap to ask again. */
  readonly userId: () => Promise<string>;
  /** The files of a multipart request. */
  readonly form: UploadForm | undefined;
  /** The idempotency key of the request's next upload, undefined when it has none. BAD_USER_INPUT. */
  readonly nextUploadKey: () => string | undefined;
  /** The origin of the page that asks, when it is one that may; undefined when no page asks. */
  readonly origin: string | undefined;
  /** For the log. */
  readonly requestId: string;
}
