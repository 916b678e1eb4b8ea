import { ApolloLink, Observable } from '@apollo/client';
import { hasFiles, type UploaderOptions, uploader } from './upload-mutation.ts';
import type { UploadProgress } from './upload-options.ts';

export type { UploaderOptions } from './upload-mutation.ts';

declare module '@apollo/client' {
  interface DefaultContext {
    /** Told how far an upload is, by `mediakeepLink`. */
    onProgress?: ((progress: UploadProgress) => void) | undefined;
  }
}

/**
 * A link that sends mutations with files as the SDK does: with progress (`context: { onProgress }`), cancellable (`context: { fetchOptions: {
 * signal } }`, or by unsubscribing), tried again when the network fails, and, a single `uploadImage` or `uploadVideo` of a large file, by a
 * session. Headers in the context go along. All other operations go on to the next link.
 */
export function mediakeepLink(options: UploaderOptions): ApolloLink {
  const upload = uploader(options);
  return new ApolloLink((operation, forward) => {
    if (!hasFiles(operation.variables)) return forward(operation);
    const { headers, fetchOptions, onProgress } = operation.getContext() as LinkContext;
    return new Observable((observer) => {
      const stop = new AbortController();
      const signal = fetchOptions?.signal ? AbortSignal.any([fetchOptions.signal, stop.signal]) : stop.signal;
      upload({ document: operation.query, variables: operation.variables, headers: headers ?? {}, signal, onProgress }).then(
        (answer) => {
          observer.next(answer);
          observer.complete();
        },
        (error: unknown) => observer.error(error),
      );
      return () => stop.abort();
    });
  });
}

/** What is read of an operation's context, which Apollo leaves open. */
interface LinkContext {
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetchOptions?: { readonly signal?: AbortSignal | null };
  readonly onProgress?: (progress: UploadProgress) => void;
}
