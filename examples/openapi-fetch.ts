import createClient from 'openapi-fetch';
import type { components, paths } from './openapi-types.ts';

type Asset = components['schemas']['MediaAsset'];
type Problem = components['schemas']['Problem'];

/** What an app does with Mediakeep's REST door, through a client that is typed by its OpenAPI document. */
export function connect({ url, token }: { url: string; token: string }) {
  const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
  return {
    async uploadImage(file: File, title?: string): Promise<Asset> {
      const { data, error } = await client.POST('/api/v1/media/upload/image', {
        body: { file, ...(title !== undefined && { title }) },
        bodySerializer: formOf,
      });
      return data ?? refused(error);
    },

    async uploadVideo(file: File): Promise<Asset> {
      const { data, error } = await client.POST('/api/v1/media/upload/video', { body: { file }, bodySerializer: formOf });
      return data ?? refused(error);
    },

    /** Page after page. */
    async listAll(first: number): Promise<string[]> {
      const names: string[] = [];
      for (let after: string | undefined; ; ) {
        const { data, error } = await client.GET('/api/v1/media/', {
          params: { query: { first, ...(after !== undefined && { after }) } },
        });
        const { items, nextCursor } = data ?? refused(error);
        names.push(...items.map(({ filename }) => filename));
        if (nextCursor === null) return names;
        after = nextCursor;
      }
    },

    async retitle(id: string, title: string): Promise<Asset> {
      const { data, error } = await client.PATCH('/api/v1/media/{id}', { params: { path: { id } }, body: { title } });
      return data ?? refused(error);
    },

    async remove(id: string): Promise<void> {
      const { error } = await client.DELETE('/api/v1/media/{id}', { params: { path: { id } } });
      if (error !== undefined) refused(error);
    },
  };
}

/** A form whose file comes last, as the server asks. */
function formOf({ file, ...fields }: { file: unknown } & Record<string, unknown>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  form.append('file', file as File);
  return form;
}

class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

function refused(problem: Problem | undefined): never {
  throw problem === undefined ? new Error('The answer has no content') : new Refusal(problem);
}

/** Why the server refused: a code for the program, a sentence for the user. */
export function reasonOf(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof Refusal)) throw error;
  return { code: error.problem.code, message: error.message };
}
