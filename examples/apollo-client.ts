import { ApolloClient, type ApolloLink, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';

interface Asset {
  id: string;
  filename: string;
  title: string | null;
  url: string;
}

interface MyMedia {
  myMedia: {
    totalCount: number;
    edges: { node: Asset }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
}

const assetFields = gql`fragment AssetFields on MediaAsset { id filename title url }`;

const myMedia = gql`
  query MyMedia($first: Int!, $after: String) {
    myMedia(first: $first, after: $after) {
      totalCount
      edges { node { ...AssetFields } }
      pageInfo { hasNextPage endCursor }
    }
  }
  ${assetFields}
`;

/** Sends files in forms. [apollo-link.ts](apollo-link.ts) shows another link, with progress and for large files. */
function uploadLink({ url, token }: { url: string; token: string }): ApolloLink {
  return new UploadHttpLink({
    uri: `${url}/graphql`,
    headers: { Authorization: `Bearer ${token}`, 'Apollo-Require-Preflight': 'true' },
  });
}

/** What an app does with Mediakeep, through Apollo Client. */
export function connect(server: { url: string; token: string }, link = uploadLink(server)) {
  const client = new ApolloClient({
    cache: new InMemoryCache({
      possibleTypes: { MediaAsset: ['ImageAsset', 'VideoAsset'] },
      // Pages are joined to one list, for each filter its own.
      typePolicies: { Query: { fields: { myMedia: relayStylePagination(['kind', 'status', 'tag', 'search']) } } },
    }),
    link,
  });
  return {
    async uploadImage(file: File, title?: string): Promise<Asset> {
      const { data } = await client.mutate<{ uploadImage: Asset }>({
        mutation: gql`mutation ($file: Upload!, $title: String) { uploadImage(file: $file, title: $title) { ...AssetFields } } ${assetFields}`,
        variables: { file, title },
      });
      return present(data).uploadImage;
    },

    async uploadVideo(file: File): Promise<Asset> {
      const { data } = await client.mutate<{ uploadVideo: Asset }>({
        mutation: gql`mutation ($file: Upload!) { uploadVideo(file: $file) { ...AssetFields } } ${assetFields}`,
        variables: { file },
      });
      return present(data).uploadVideo;
    },

    /** Loads page after page, as a list does that is scrolled; the cache holds them as one. */
    async listAll(first: number): Promise<string[]> {
      const query = client.watchQuery<MyMedia>({ query: myMedia, variables: { first } });
      // A watched query loads while somebody watches it.
      const watching = query.subscribe({});
      await query.refetch();
      let { pageInfo } = present(query.getCurrentResult().data as MyMedia | undefined).myMedia;
      while (pageInfo.hasNextPage) {
        const { data } = await query.fetchMore({ variables: { after: pageInfo.endCursor } });
        pageInfo = present(data).myMedia.pageInfo;
      }
      const { edges } = present(client.readQuery<MyMedia>({ query: myMedia, variables: { first } })).myMedia;
      watching.unsubscribe();
      return edges.map(({ node }) => node.filename);
    },

    async retitle(id: string, title: string): Promise<Asset> {
      const { data } = await client.mutate<{ updateMedia: Asset }>({
        mutation: gql`mutation ($id: ID!, $title: String) { updateMedia(id: $id, input: { title: $title }) { ...AssetFields } } ${assetFields}`,
        variables: { id, title },
      });
      return present(data).updateMedia;
    },

    async remove(id: string): Promise<void> {
      await client.mutate({
        mutation: gql`mutation ($id: ID!) { deleteMedia(id: $id) { id purged } }`,
        variables: { id },
        // Every list that showed it is without it at once.
        update: (cache) => {
          for (const __typename of ['ImageAsset', 'VideoAsset']) cache.evict({ id: cache.identify({ __typename, id }) ?? '' });
          cache.gc();
        },
      });
    },
  };
}

/** Why the server refused: a code for the program, a sentence for the user. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (!CombinedGraphQLErrors.is(error)) throw error;
  const [first] = error.errors;
  return { code: first?.extensions?.code, message: first?.message ?? '' };
}

function present<T>(data: T | null | undefined): T {
  if (data === null || data === undefined) throw new Error('The answer has no data');
  return data;
}
