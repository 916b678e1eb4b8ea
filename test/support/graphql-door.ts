import {
  DeleteMediaDocument,
  MediaDocument,
  MyMediaDocument,
  type TypedDocumentString,
  UpdateMediaDocument,
  UploadImageDocument,
  UploadVideoDocument,
} from '../../src/client/generated.ts';
import { type Door, DoorError, type WireAsset } from './doors.ts';
import { RequestError, request } from './request.ts';

/** The GraphQL door, driven by the typed documents that codegen made. */
export function graphqlClient(server: { url: string }, token: string | undefined): Door {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const call = async <Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> => {
    try {
      return await request(`${server.url}/graphql`, document, variables, { headers });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const { code, status, message, retryAfterSeconds } = error;
      throw new DoorError({
        code,
        status,
        message,
        retryAfter: retryAfterSeconds === undefined ? null : String(retryAfterSeconds),
      });
    }
  };
  return {
    upload: async ({ kind, name, bytes, declaredType }, described = {}) => {
      const file = new File([new Uint8Array(bytes)], name, { type: declaredType ?? 'application/octet-stream' });
      const { tags, ...texts } = described;
      const variables = { file, ...texts, ...(tags && { tags: [...tags] }) };
      if (kind === 'IMAGE') return plain((await call(UploadImageDocument, variables)).uploadImage);
      return plain((await call(UploadVideoDocument, variables)).uploadVideo);
    },
    list: async (query = {}) => {
      const { myMedia } = await call(MyMediaDocument, query);
      return {
        items: myMedia.edges.map(({ node }) => plain(node)),
        nextCursor: myMedia.pageInfo.hasNextPage ? myMedia.pageInfo.endCursor : null,
        totalCount: myMedia.totalCount,
      };
    },
    get: async (id) => {
      const { media } = await call(MediaDocument, { id });
      return media === null ? null : plain(media);
    },
    update: async (id, { tags, ...texts }) => {
      const input = { ...texts, ...(tags !== undefined && { tags: tags && [...tags] }) };
      return plain((await call(UpdateMediaDocument, { id, input })).updateMedia);
    },
    remove: async (id) => (await call(DeleteMediaDocument, { id })).deleteMedia.purged,
  };
}

function plain({ __typename, ...asset }: WireAsset & { __typename: string }): WireAsset {
  return asset;
}
