import { CompleteUploadDocument, CreateUploadDocument } from '../../src/client/generated.ts';
import { DoorError, type WireAsset } from './doors.ts';
import { RequestError, request } from './request.ts';

/** What is announced of a file. */
export interface Announcement {
  readonly kind: 'IMAGE' | 'VIDEO';
  readonly filename: string;
  readonly mimeType: string;
  readonly size: number;
  readonly title?: string | null;
  readonly altText?: string | null;
  readonly tags?: readonly string[] | null;
}

/** A session as either door gives it. */
export interface WireUpload {
  readonly id: string;
  readonly url: string;
  readonly method: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly chunkSize: number;
  readonly expiresAt: string;
}

/** Direct uploads over one door. `origin` is that of the page that asks. */
export interface DirectDoor {
  create(announcement: Announcement, origin?: string): Promise<WireUpload>;
  complete(id: string): Promise<WireAsset>;
}

export type OpenDirectDoor = (server: { url: string }, token: string | undefined) => DirectDoor;

export const overGraphql: OpenDirectDoor = (server, token) => {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const translated = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
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
  const endpoint = `${server.url}/graphql`;
  return {
    create: async ({ tags, ...announcement }, origin) => {
      const input = { ...announcement, ...(tags !== undefined && { tags: tags && [...tags] }) };
      const options = { headers: { ...headers, ...(origin !== undefined && { Origin: origin }) } };
      return (await translated(request(endpoint, CreateUploadDocument, { input }, options))).createUpload;
    },
    complete: async (id) => {
      const { completeUpload } = await translated(request(endpoint, CompleteUploadDocument, { id }, { headers }));
      const { __typename, ...asset } = completeUpload;
      return asset;
    },
  };
};

export const overRest: OpenDirectDoor = (server, token) => {
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = {
      ...(init.headers as Record<string, string>),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${server.url}/api/v1/media/uploads${path}`, { method: 'POST', ...init, headers });
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
    create: async (announcement, origin) => {
      const headers = { 'Content-Type': 'application/json', ...(origin !== undefined && { Origin: origin }) };
      const response = await call('', { headers, body: JSON.stringify(announcement) });
      const upload = (await response.json()) as WireUpload;
      if (response.status !== 201 || !response.headers.get('location')?.endsWith(`/api/v1/media/${upload.id}`)) {
        throw new Error(`Created with ${response.status} at ${response.headers.get('location')}`);
      }
      return upload;
    },
    complete: async (id) => (await (await call(`/${id}/complete`, {})).json()) as WireAsset,
  };
};
