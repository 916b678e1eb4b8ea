import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { mediakeepLink } from 'mediakeep/client/apollo';
import * as apolloClient from './apollo-client.ts';

/** Mutations with files go by the first link: with progress, cancellable, large files in chunks. All others go on to the second. */
function links({ url, token }: { url: string; token: string }): ApolloLink {
  return ApolloLink.from([
    mediakeepLink({ url, token }),
    new HttpLink({ uri: `${url}/graphql`, headers: { Authorization: `Bearer ${token}` } }),
  ]);
}

/** What an app does with Mediakeep, through Apollo Client and the SDK's link: everything as without it, and more. */
export function connect(server: { url: string; token: string }) {
  const client = new ApolloClient({ cache: new InMemoryCache(), link: links(server) });
  return {
    ...apolloClient.connect(server, links(server)),

    /** Shows how far it is; `signal` cancels it, and nothing is left on the server. */
    async uploadWithProgress(file: File, onPercent: (percent: number) => void, signal?: AbortSignal) {
      const { data } = await client.mutate<{ uploadVideo: { id: string; duration: number | null } }>({
        mutation: gql`mutation ($file: Upload!) { uploadVideo(file: $file) { id duration } }`,
        variables: { file },
        context: {
          onProgress: ({ sentBytes, totalBytes }) => onPercent((100 * sentBytes) / totalBytes),
          fetchOptions: { signal },
        },
      });
      return data?.uploadVideo;
    },
  };
}

export const { reasonOf } = apolloClient;
