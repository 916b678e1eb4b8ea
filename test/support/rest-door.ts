import {
  type Described,
  type Door,
  DoorError,
  type FileToSend,
  type ListArguments,
  type WireAsset,
  type WirePage,
} from './doors.ts';

/** The REST door, driven by fetch as a plain HTTP client would. */
export function restClient(server: { url: string }, token: string | undefined): Door {
  const root = `${server.url}/api/v1/media`;
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = {
      ...(init.headers as Record<string, string>),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${root}${path}`, { ...init, headers });
    if (response.ok) return response;
    const problem = (await response.json()) as { code: string; detail: string };
    throw new DoorError({
      code: problem.code,
      message: problem.detail,
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
    });
  };
  return {
    upload: async (file, described = {}) => {
      const response = await call(`/upload/${file.kind.toLowerCase()}`, { method: 'POST', body: formOf(file, described) });
      const asset = (await response.json()) as WireAsset;
      if (response.status !== 201 || !response.headers.get('location')?.endsWith(`/api/v1/media/${asset.id}`)) {
        throw new Error(`Created with ${response.status} at ${response.headers.get('location')}`);
      }
      return asset;
    },
    list: async (query = {}) => (await (await call(`/?${queryOf(query)}`)).json()) as WirePage,
    get: async (id) => {
      try {
        return (await (await call(`/${id}`)).json()) as WireAsset;
      } catch (error) {
        if (error instanceof DoorError && error.code === 'NOT_FOUND') return null;
        throw error;
      }
    },
    update: async (id, change) => {
      const init = { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(change) };
      return (await (await call(`/${id}`, init)).json()) as WireAsset;
    },
    remove: async (id) => (await call(`/${id}`, { method: 'DELETE' })).status === 204,
  };
}

function formOf(file: FileToSend, { title, altText, tags }: Described): FormData {
  const form = new FormData();
  if (title !== undefined && title !== null) form.append('title', title);
  if (altText !== undefined && altText !== null) form.append('altText', altText);
  for (const tag of tags ?? []) form.append('tags', tag);
  form.append(
    'file',
    new Blob([new Uint8Array(file.bytes)], { type: file.declaredType ?? 'application/octet-stream' }),
    file.name,
  );
  return form;
}

function queryOf(query: ListArguments): URLSearchParams {
  return new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]));
}
