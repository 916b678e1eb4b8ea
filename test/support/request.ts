import type { TypedDocumentString } from '../../src/client/generated.ts';

/** What goes along with a request. */
export interface RequestOptions {
  /** Such as `{ authorization: 'Bearer ...' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A failure the server answered with: a sentence for the user, and a code of the contract, such as `FILE_TOO_LARGE`. */
export class RequestError extends Error {
  /** The first failure's `extensions.code`; `INTERNAL_SERVER_ERROR` when the answer was not one of GraphQL. */
  readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** Whole seconds to wait before another try. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, failure: { code: string; status: number; retryAfterSeconds?: number | undefined }) {
    super(message);
    this.name = 'RequestError';
    this.code = failure.code;
    this.status = failure.status;
    this.retryAfterSeconds = failure.retryAfterSeconds;
  }
}

/**
 * Runs one operation of `generated.ts` and resolves with its data. Files anywhere in `variables` (File or Blob) make it a request of the GraphQL
 * multipart request specification; they are sent in the order in which they stand there. Rejects with {@link RequestError}, or with what
 * `fetch` rejects with: a network failure, or the reason of `signal`.
 */
export async function request<TData, TVariables>(
  endpoint: string | URL,
  document: TypedDocumentString<TData, TVariables>,
  variables: TVariables,
  { headers = {}, signal }: RequestOptions = {},
): Promise<TData> {
  const files: LiftedFile[] = [];
  const operations = JSON.stringify({ query: String(document), variables: withoutFiles(variables, 'variables', files) });
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { accept: 'application/json', ...headers, ...(files.length === 0 ? jsonHeaders : formHeaders) },
    body: files.length === 0 ? operations : form(operations, files),
    ...(signal && { signal }),
  });
  return await dataOf<TData>(response);
}

interface LiftedFile {
  readonly path: string;
  readonly file: Blob;
}

const jsonHeaders = { 'content-type': 'application/json' };

// `fetch` writes the content type of a form itself, with its boundary.
const formHeaders = { 'apollo-require-preflight': 'true' };

/** A copy of `value` with null where a file stood, and the files in `files`. */
function withoutFiles(value: unknown, path: string, files: LiftedFile[]): unknown {
  if (value instanceof Blob) {
    files.push({ path, file: value });
    return null;
  }
  if (Array.isArray(value)) return value.map((item, index) => withoutFiles(item, `${path}.${index}`, files));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutFiles(item, `${path}.${key}`, files)]));
}

/** The parts in the order that the specification asks for: operations, map, files. */
function form(operations: string, files: readonly LiftedFile[]): FormData {
  const body = new FormData();
  body.append('operations', operations);
  body.append('map', JSON.stringify(Object.fromEntries(files.map(({ path }, index) => [index, [path]]))));
  for (const [index, { file }] of files.entries()) body.append(String(index), file);
  return body;
}

interface Answer<TData> {
  readonly data?: TData | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryAfter?: number };
  }[];
}

async function dataOf<TData>(response: Response): Promise<TData> {
  const { status } = response;
  const answer = await answerOf<TData>(response);
  const [failure] = answer?.errors ?? [];
  if (failure !== undefined) {
    const { code = 'INTERNAL_SERVER_ERROR', retryAfter } = failure.extensions ?? {};
    throw new RequestError(failure.message, { code, status, retryAfterSeconds: retryAfter });
  }
  if (answer?.data === undefined || answer.data === null) {
    throw new RequestError(`The server answered with HTTP ${status} and no data.`, { code: 'INTERNAL_SERVER_ERROR', status });
  }
  return answer.data;
}

/** The answer's JSON; undefined when it is none, such as a proxy's page of an error. */
async function answerOf<TData>(response: Response): Promise<Answer<TData> | undefined> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer<TData>;
  } catch {
    return undefined;
  }
}
