import { ClientError, GraphQLClient, gql } from 'graphql-request';

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

const myMedia = gql`
  query MyMedia($first: Int!, $after: String) {
    myMedia(first: $first, after: $after) {
      totalCount
      edges { node { id filename title url } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

/** What an app does with Mediakeep, through graphql-request. It does not send files: those go to the REST alias by plain `fetch`. */
export function connect({ url, token }: { url: string; token: string }) {
  const headers = { Authorization: `Bearer ${token}` };
  const client = new GraphQLClient(`${url}/graphql`, { headers });

  async function upload(kind: 'image' | 'video', file: File, title?: string): Promise<Asset> {
    const body = new FormData();
    // What describes the file goes before it.
    if (title !== undefined) body.append('title', title);
    body.append('file', file);
    const response = await fetch(`${url}/api/v1/media/upload/${kind}`, { method: 'POST', headers, body });
    if (!response.ok) throw new Refusal((await response.json()) as { code: string; detail: string });
    return (await response.json()) as Asset;
  }

  return {
    uploadImage: (file: File, title?: string): Promise<Asset> => upload('image', file, title),
    uploadVideo: (file: File): Promise<Asset> => upload('video', file),

    /** Page after page. */
    async listAll(first: number): Promise<string[]> {
      const names: string[] = [];
      for (let after: string | null = null; ; ) {
        const { myMedia: page }: MyMedia = await client.request<MyMedia>(myMedia, { first, after });
        names.push(...page.edges.map(({ node }) => node.filename));
        if (!page.pageInfo.hasNextPage) return names;
        after = page.pageInfo.endCursor;
      }
    },

    async retitle(id: string, title: string): Promise<Asset> {
      const mutation = gql`mutation ($id: ID!, $title: String) { updateMedia(id: $id, input: { title: $title }) { id filename title url } }`;
      return (await client.request<{ updateMedia: Asset }>(mutation, { id, title })).updateMedia;
    },

    async remove(id: string): Promise<void> {
      await client.request(gql`mutation ($id: ID!) { deleteMedia(id: $id) { id purged } }`, { id });
    },
  };
}

/** What the REST door answers when it refuses: `application/problem+json`. */
class Refusal extends Error {
  readonly code: string;

  constructor({ code, detail }: { code: string; detail: string }) {
    super(detail);
    this.code = code;
  }
}

/** Why the server refused: a code for the program, a sentence for the user. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (error instanceof Refusal) return { code: error.code, message: error.message };
  if (!(error instanceof ClientError)) throw error;
  const [first] = error.response.errors ?? [];
  return { code: first?.extensions.code, message: first?.message ?? '' };
}
