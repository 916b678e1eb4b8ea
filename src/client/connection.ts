import { dataOf } from './answer.ts';
import type { Reply, Send } from './exchange.ts';
import { type Form, formOf, type LiftedFile, withoutFiles } from './form.ts';
import type { TypedDocumentString } from './generated.ts';
import { Patience, type RetryOptions, retrying, wasNotBegun } from './retry.ts';
import { sender } from './send.ts';

/** Where the server is, and who is asking. */
export interface ConnectionOptions {
  /** The server's base URL, such as `https://media.example`. */
  readonly url: string | URL;
  /** What goes into `Authorization: Bearer`, or a function that is asked for it before every request. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Instead of the global one, and of XMLHttpRequest. Whatever is uploaded through it in a browser tells its progress only at the end. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How patiently requests are tried again. */
  readonly retry?: RetryOptions | undefined;
  /** How long an upload may stand still before it is sent anew, in milliseconds. Default 60,000. */
  readonly stallMs?: number | undefined;
  /** Who is asking, so that users of one browser do not go on with each other's uploads. Default: the `sub` of a token that is a JWT. */
  readonly scope?: string | undefined;
}

/** What goes along with one operation. */
export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Told how many bytes of the files have been sent. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** A way to the GraphQL door. */
export interface Connection {
  readonly endpoint: string;
  readonly send: Send;
  readonly retry: RetryOptions | undefined;
  /** Keys in resume stores whose uploads are under way: of a file that is uploaded twice at once, each is an upload of its own. */
  readonly keysInUse: Set<string>;
  /** Who is asking, with these headers; undefined when nothing tells. */
  scope(headers?: Readonly<Record<string, string>>): Promise<string | undefined>;
  /** Sends one operation, once, and resolves with the answer whatever it is. Files anywhere in `variables` make it a form. */
  post(operation: { readonly query: string; readonly variables: unknown }, options?: OperationOptions): Promise<Reply>;
}

/** Opens nothing; whoever is asked later is. */
export function connect({ url, token, fetch, retry, stallMs, scope }: ConnectionOptions): Connection {
  const endpoint = `${String(url).replace(/\/+$/, '')}/graphql`;
  const send = sender(fetch, stallMs);
  const bearerNow = async (): Promise<string | undefined> => (typeof token === 'function' ? await token() : token);
  return {
    endpoint,
    send,
    retry,
    keysInUse: new Set(),
    scope: async (headers) => scope ?? subjectIn(lowerCased(headers).authorization ?? (await bearerNow())),
    async post({ query, variables }, { signal, headers, onSent } = {}) {
      const files: LiftedFile[] = [];
      const operations = JSON.stringify({ query, variables: withoutFiles(variables, 'variables', files) });
      const form = files.length === 0 ? undefined : formOf(operations, files);
      const bearer = await bearerNow();
      return await send({
        method: 'POST',
        url: endpoint,
        headers: {
          accept: 'application/json',
          'content-type': form?.contentType ?? 'application/json',
          ...(form && { 'apollo-require-preflight': 'true' }),
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...lowerCased(headers),
        },
        body: form?.body ?? operations,
        signal,
        onSent: form && onSent && countsFiles(form, files, onSent),
      });
    },
  };
}

/** The same way, on which these headers go along with every operation. */
export function withHeaders(connection: Connection, headers: Readonly<Record<string, string>>): Connection {
  return {
    ...connection,
    scope: () => connection.scope(headers),
    post: (operation, options = {}) => connection.post(operation, { ...options, headers: { ...headers, ...options.headers } }),
  };
}

/** Whose token this is, if it says so. Nothing is verified here: it only tells users apart. */
function subjectIn(token = ''): string | undefined {
  try {
    const [, claims = ''] = token.split('.');
    const { sub } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as { sub?: unknown };
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    // No JWT.
    return undefined;
  }
}

/** So that a header that is given twice does not arrive as a list of both. */
function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Tells of the files' bytes only, not of what the form puts around them. */
function countsFiles({ headBytes }: Form, files: readonly LiftedFile[], onSent: (bytes: number) => void) {
  const totalBytes = files.reduce((sum, { file }) => sum + file.size, 0);
  return (bytes: number): void => onSent(Math.min(Math.max(bytes - headBytes, 0), totalBytes));
}

/**
 * Runs one operation, and resolves with its data. Queries are tried again when the network fails or the server is busy, mutations only when the
 * server says that it has not begun. Rejects with MediakeepError, or the reason of `signal`.
 */
export async function run<TData, TVariables>(
  connection: Connection,
  document: TypedDocumentString<TData, TVariables>,
  variables: TVariables,
  options: OperationOptions = {},
): Promise<TData> {
  const query = String(document);
  return await retrying(
    new Patience(connection.retry, options.signal),
    async () => dataOf(await connection.post({ query, variables }, options)) as TData,
    /^\s*mutation\b/.test(query) ? wasNotBegun : undefined,
  );
}
