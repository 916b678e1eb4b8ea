import { mediakeepExchange } from 'mediakeep/client/urql';
import { Client, type CombinedError, cacheExchange, fetchExchange, gql } from 'urql';
import * as urql from './urql.ts';

/** What an app does with Mediakeep, through urql and the SDK's exchange: everything as without it, and more. */
export function connect({ url, token }: { url: string; token: string }) {
  // Mutations with files go by the first exchange: with progress, cancellable, large files in chunks. All others go on to the second.
  const client = new Client({
    url: `${url}/graphql`,
    preferGetMethod: false,
    exchanges: [cacheExchange, mediakeepExchange({ url, token }), fetchExchange],
    fetchOptions: () => ({ headers: { Authorization: `Bearer ${token}` } }),
  });
  return {
    ...urql.connect({ url, token }, [mediakeepExchange({ url, token })]),

    /** Shows how far it is; `signal` cancels it, and nothing is left on the server. */
    async uploadWithProgress(file: File, onPercent: (percent: number) => void, signal?: AbortSignal) {
      const { data, error } = await client.mutation<{ uploadVideo: { id: string; duration: number | null } }>(
        gql`mutation ($file: Upload!) { uploadVideo(file: $file) { id duration } }`,
        { file },
        {
          onProgress: ({ sentBytes, totalBytes }) => onPercent((100 * sentBytes) / totalBytes),
          fetchOptions: { headers: { Authorization: `Bearer ${token}` }, ...(signal && { signal }) },
        },
      );
      if (error !== undefined) throw error;
      return data?.uploadVideo;
    },
  };
}

/** Why the server refused. Asked by shape: in Node, unlike in a bundle, `urql` and the exchange have each a CombinedError of their own. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof Error && 'graphQLErrors' in error)) throw error;
  const [first] = (error as CombinedError).graphQLErrors;
  if (first === undefined) throw error;
  return { code: first.extensions.code, message: first.message };
}
