/**
 * The settings that make a pino log safe to keep: `pino({ level, ...logSettings })`. No credential appears in its lines: headers are never logged,
 * paths lose their query (the signature of a link is a secret), and errors are reduced to what explains them, because an SDK's error carries its
 * whole request, token included.
 */
export const logSettings = {
  redact: {
    // A second fence, should somebody log headers on their own.
    paths: ['authorization', 'cookie', '*.authorization', '*.cookie', '*.headers.authorization', '*.headers.cookie'],
    censor: '[redacted]',
  },
  serializers: {
    req: (request: { method: string; url: string }) => ({ method: request.method, path: pathOf(request.url) }),
    res: (reply: { statusCode: number }) => ({ status: reply.statusCode }),
    err: (error: unknown) => explain(error),
  },
};

/** The path of a request target, without its query. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

/** How many causes of causes are told. */
const maxDepth = 5;

interface Explanation {
  readonly [field: string]: unknown;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}

function explain(error: unknown, depth = 0): Explanation {
  if (!(error instanceof Error)) return { type: typeof error, message: scrub(String(error)), stack: '' };
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  return {
    type: error.name,
    message: scrub(error.message),
    ...(code !== undefined && { code }),
    stack: scrub(error.stack ?? ''),
    ...(error.cause !== undefined && depth < maxDepth && { cause: explain(error.cause, depth + 1) }),
  };
}

/** Removes what signs a URL or a request from a text. `upload_id` names a resumable session, which is a bearer secret. */
function scrub(text: string): string {
  return text
    .replace(/((?:x-goog-)?(?:signature|credential|security-token)|upload_id|access_token)=[^&\s"'<>]+/gi, '$1=[redacted]')
    .replace(/\bBearer\s+[\w.~+/-]+=*/gi, 'Bearer [redacted]');
}
