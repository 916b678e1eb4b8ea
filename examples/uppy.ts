import Uppy from '@uppy/core';
import XHRUpload from '@uppy/xhr-upload';

interface Asset {
  id: string;
  filename: string;
  title: string | null;
  url: string;
}

/** What an app does with Mediakeep's REST door, with Uppy for the uploads: many files, progress, retries, cancelling. */
export function connect({ url, token }: { url: string; token: string }) {
  const headers = { Authorization: `Bearer ${token}` };

  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(new URL(`/api/v1/media/${path}`, url), { ...init, headers: { ...headers, ...init.headers } });
    if (!response.ok) throw new Refusal((await response.json()) as Problem);
    return response;
  }

  return {
    /** Sends files of one kind, three at a time. Those that were refused come with the server's reason. */
    async upload(kind: 'image' | 'video', files: File[], onProgress: (percent: number) => void = () => undefined) {
      const uppy = new Uppy<{ title?: string }, Record<string, never>>({ autoProceed: false });
      uppy.use(XHRUpload, {
        endpoint: `${url}/api/v1/media/upload/${kind}`,
        headers,
        limit: 3,
        // The parts besides the file; Uppy sends them before it.
        allowedMetaFields: ['title'],
        // A refusal is not tried again: the next answer would be the same.
        shouldRetry: ({ status }) => status >= 500 || status === 429,
      });
      uppy.on('progress', onProgress);
      const refused: { filename: string; reason: Problem }[] = [];
      uppy.on('upload-error', (file, error) => {
        const { request } = error as { request?: XMLHttpRequest };
        refused.push({
          filename: file?.name ?? '',
          reason: request?.responseText
            ? (JSON.parse(request.responseText) as Problem)
            : { code: 'NETWORK', detail: error.message },
        });
      });
      const uploaded: Asset[] = [];
      // The body of the server's answer is the asset.
      uppy.on('upload-success', (_file, { body }) => uploaded.push(body as unknown as Asset));
      for (const file of files)
        uppy.addFile({ name: file.name, type: file.type, data: file, meta: { title: `My ${file.name}` } });
      await uppy.upload();
      uppy.destroy();
      return { uploaded, refused };
    },

    /** Page after page. */
    async listAll(first: number): Promise<string[]> {
      const names: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const answer = await call(`?${new URLSearchParams({ first: String(first), ...(after !== '' && { after }) })}`);
        const page = (await answer.json()) as { items: Asset[]; nextCursor: string | null };
        names.push(...page.items.map(({ filename }) => filename));
        after = page.nextCursor;
      }
      return names;
    },

    async retitle(id: string, title: string): Promise<Asset> {
      const headers = { 'content-type': 'application/json' };
      return (await (await call(id, { method: 'PATCH', headers, body: JSON.stringify({ title }) })).json()) as Asset;
    },

    async remove(id: string): Promise<void> {
      await call(id, { method: 'DELETE' });
    },
  };
}

interface Problem {
  code: string;
  detail: string;
}

class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Why the server refused: a code for the program, a sentence for the user. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof Refusal)) throw error;
  return { code: error.problem.code, message: error.message };
}
