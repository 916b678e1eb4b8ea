import { type Asset, createClient, MediakeepError } from '../../src/client/index.ts';
import { type Door, DoorError, type WireAsset } from './doors.ts';

/** The SDK as a door; each call is one of its methods. */
export function sdkClient(server: { url: string }, token: string | undefined): Door {
  return doorOf(server, token, 'multipart');
}

/** The same, with a session for every upload, however small. */
export function sdkWithSessions(server: { url: string }, token: string | undefined): Door {
  return doorOf(server, token, 'session');
}

function doorOf(server: { url: string }, token: string | undefined, via: 'multipart' | 'session'): Door {
  const client = createClient({ url: server.url, token, retry: { attempts: 1 } });
  return {
    upload: ({ kind, name, bytes, declaredType }, described = {}) =>
      told(async () => {
        const file = new File([new Uint8Array(bytes)], name, { type: declaredType ?? 'application/octet-stream' });
        return plain(await client.upload(file, { kind, via, ...described }));
      }),
    list: (query = {}) =>
      told(async () => {
        const { items, ...page } = await client.page(query);
        return { ...page, items: items.map(plain) };
      }),
    get: (id) =>
      told(async () => {
        const asset = await client.media(id);
        return asset && plain(asset);
      }),
    update: (id, { tags, ...texts }) =>
      told(async () => plain(await client.update(id, { ...texts, ...(tags !== undefined && { tags: tags && [...tags] }) }))),
    remove: (id) => told(async () => (await client.delete(id)).purged),
  };
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MediakeepError)) throw error;
    const { code, status, message, retryAfterSeconds } = error;
    throw new DoorError({
      code,
      status,
      message,
      retryAfter: retryAfterSeconds === undefined ? null : String(retryAfterSeconds),
    });
  }
}

function plain({ __typename, ...asset }: Asset): WireAsset {
  return asset;
}
