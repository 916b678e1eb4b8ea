import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { type AnyVariables, Client, CombinedError, type Exchange, fetchExchange, gql, type OperationResult } from 'urql';

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

// On a fragment of an interface, graphcache would want to be given the schema.
const assetFields = 'id filename title url';

const myMedia = gql<MyMedia, { first: number; after?: string | null }>`
  query MyMedia($first: Int!, $after: String) {
    myMedia(first: $first, after: $after) {
      totalCount
      edges { node { ${assetFields} } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

/** What an app does with Mediakeep, through urql. [urql-exchange.ts](urql-exchange.ts) adds an exchange with progress and for large files. */
export function connect({ url, token }: { url: string; token: string }, more: Exchange[] = []) {
  const client = new Client({
    url: `${url}/graphql`,
    // Queries go by GET, mutations by POST, and files in a form that the fetch exchange makes by itself.
    preferGetMethod: 'within-url-limit',
    exchanges: [
      cacheExchange({
        resolvers: { Query: { myMedia: relayPagination() } },
        keys: { MediaAssetConnection: () => null, MediaAssetEdge: () => null, PageInfo: () => null, DeletedMedia: () => null },
        updates: {
          Mutation: {
            // Every list that showed it is without it at once.
            deleteMedia: (_result, { id }, cache) => {
              for (const __typename of ['ImageAsset', 'VideoAsset']) cache.invalidate({ __typename, id: String(id) });
            },
          },
        },
      }),
      ...more,
      fetchExchange,
    ],
    fetchOptions: () => ({ headers: { Authorization: `Bearer ${token}` } }),
  });
  return {
    async uploadImage(file: File, title?: string): Promise<Asset> {
      const mutation = gql<{ uploadImage: Asset }>`
        mutation ($file: Upload!, $title: String) { uploadImage(file: $file, title: $title) { ${assetFields} } }
      `;
      return dataOf(await client.mutation(mutation, { file, title })).uploadImage;
    },

    async uploadVideo(file: File): Promise<Asset> {
      const mutation = gql<{ uploadVideo: Asset }>`
        mutation ($file: Upload!) { uploadVideo(file: $file) { ${assetFields} } }
      `;
      return dataOf(await client.mutation(mutation, { file })).uploadVideo;
    },

    /** Loads page after page, as a list does that is scrolled; the cache answers the last query with all of them. */
    async listAll(first: number): Promise<string[]> {
      let after: string | null = null;
      for (;;) {
        const { myMedia: list }: MyMedia = dataOf(
          await client.query<MyMedia, AnyVariables>(
            myMedia,
            { first, after },
            { requestPolicy: after === null ? 'network-only' : 'cache-first' },
          ),
        );
        if (!list.pageInfo.hasNextPage) return list.edges.map(({ node }) => node.filename);
        after = list.pageInfo.endCursor;
      }
    },

    async retitle(id: string, title: string): Promise<Asset> {
      const mutation = gql<{ updateMedia: Asset }>`
        mutation ($id: ID!, $title: String) { updateMedia(id: $id, input: { title: $title }) { ${assetFields} } }
      `;
      return dataOf(await client.mutation(mutation, { id, title })).updateMedia;
    },

    async remove(id: string): Promise<void> {
      dataOf(await client.mutation(gql`mutation ($id: ID!) { deleteMedia(id: $id) { id purged } }`, { id }));
    },
  };
}

/** Why the server refused: a code for the program, a sentence for the user. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof CombinedError)) throw error;
  const [first] = error.graphQLErrors;
  if (first === undefined) throw error;
  return { code: first.extensions.code, message: first.message };
}

function dataOf<Data>({ data, error }: OperationResult<Data, AnyVariables>): Data {
  if (error !== undefined) throw error;
  if (data === undefined) throw new Error('The answer has no data');
  return data;
}
