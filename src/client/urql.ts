import { type Exchange, makeErrorResult, makeResult, type Operation, type OperationResult } from '@urql/core';
import { filter, make, merge, mergeMap, pipe, type Source, share, takeUntil } from 'wonka';
import { hasFiles, type Uploader, type UploaderOptions, uploader } from './upload-mutation.ts';
import type { UploadProgress } from './upload-options.ts';

export type { UploaderOptions } from './upload-mutation.ts';

declare module '@urql/core' {
  interface OperationContext {
    /** Told how far an upload is, by `mediakeepExchange`. */
    onProgress?: ((progress: UploadProgress) => void) | undefined;
  }
}

/**
 * An exchange that sends mutations with files as the SDK does: with progress (`{ onProgress }` in the context), cancellable (`fetchOptions: {
 * signal }`; urql itself lets a mutation go on when nobody listens any more), tried again when the network fails, and, a single `uploadImage` or `uploadVideo` of a large file, by a
 * session. Headers in `fetchOptions` go along. Put it before the fetch exchange; all other operations go on to that.
 */
export function mediakeepExchange(options: UploaderOptions): Exchange {
  const upload = uploader(options);
  return ({ forward }) =>
    (operations) => {
      const shared = pipe(operations, share);
      const uploaded = pipe(
        shared,
        filter(isUpload),
        mergeMap((operation) => {
          const isOver = pipe(
            shared,
            filter(({ kind, key }) => kind === 'teardown' && key === operation.key),
          );
          return pipe(resultOf(operation, upload), takeUntil(isOver));
        }),
      );
      const others = pipe(
        shared,
        filter((operation) => !isUpload(operation)),
        forward,
      );
      return merge([uploaded, others]);
    };
}

function isUpload({ kind, variables }: Operation): boolean {
  return kind === 'mutation' && hasFiles(variables);
}

function resultOf(operation: Operation, upload: Uploader): Source<OperationResult> {
  const { fetchOptions, onProgress } = operation.context;
  const { headers, signal: given } = (typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions) ?? {};
  return make(({ next, complete }) => {
    const stop = new AbortController();
    upload({
      document: operation.query,
      variables: operation.variables ?? {},
      headers: Object.fromEntries(new Headers(headers)),
      signal: given ? AbortSignal.any([given, stop.signal]) : stop.signal,
      onProgress,
    })
      .then(
        // Of the same shape; urql's type wants what graphql-js makes of errors.
        (answer) => makeResult(operation, answer as Parameters<typeof makeResult>[1]),
        (error: Error) => makeErrorResult(operation, error),
      )
      .then((result) => {
        next(result);
        complete();
      });
    return () => stop.abort();
  });
}
