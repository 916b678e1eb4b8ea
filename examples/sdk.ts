import { type Asset, createClient, MediakeepError, type UploadProgress } from 'mediakeep/client';

/** What an app does with Mediakeep, through its SDK. */
export function connect({ url, token }: { url: string; token: string }) {
  const client = createClient({ url, token });
  return {
    uploadImage: (file: File, title?: string): Promise<Asset> => client.upload(file, { kind: 'IMAGE', title }),

    /** Large files go in chunks, and go on where they were after whatever breaks. */
    uploadVideo: (file: File): Promise<Asset> => client.upload(file, { kind: 'VIDEO' }),

    /** Shows how far it is; `signal` cancels it, and nothing is left on the server. */
    uploadWithProgress: (file: File, onPercent: (percent: number) => void, signal?: AbortSignal): Promise<Asset> =>
      client.upload(file, {
        signal,
        onProgress: ({ sentBytes, totalBytes }: UploadProgress) => onPercent((100 * sentBytes) / totalBytes),
      }),

    /** The pages are fetched while the loop goes on. */
    async listAll(pageSize: number): Promise<string[]> {
      const names: string[] = [];
      for await (const { filename } of client.list({ pageSize })) names.push(filename);
      return names;
    },

    retitle: (id: string, title: string): Promise<Asset> => client.update(id, { title }),

    async remove(id: string): Promise<void> {
      await client.delete(id);
    },
  };
}

/** Why the server refused: a code for the program, a sentence for the user. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof MediakeepError)) throw error;
  return { code: error.code, message: error.message };
}
