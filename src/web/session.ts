import { batch, signal } from '@preact/signals';
import { createClient, type MediakeepClient, MediakeepError } from './sdk.ts';

/** What went wrong, for the user and for what comes next. */
export interface Failure {
  /** Undefined: a fault of this page. */
  readonly code: string | undefined;
  /** A sentence that says what to do. */
  readonly message: string;
  /** Whether it passes by itself, such as a server that restarts. */
  readonly passes: boolean;
  /** Whether the user's own new try could help. */
  readonly canRetry: boolean;
  readonly retryAfterSeconds: number | undefined;
}

/** Short: whoever looks at the page can press a button, and the queue of uploads has a patience of its own. */
const patience = { attempts: 3, minDelayMs: 300 };

const tokenKey = 'mediakeep.token';

/** Who is signed in, for as long as the tab lives. */
export class Session {
  /** undefined: nobody. */
  readonly token = signal<string | undefined>(sessionStorage.getItem(tokenKey) ?? undefined);
  /** Whose page it is. They stay it while the server no longer takes their token, until they sign out or somebody else signs in. */
  readonly user = signal<string | undefined>(userOf(this.token.peek()));
  /** Why somebody has to sign in again; empty: no reason. */
  readonly notice = signal('');
  /** The server's address, wherever below its origin the page lives. */
  readonly url = new URL('.', location.href).href.replace(/\/$/, '');

  signIn(token: string): void {
    sessionStorage.setItem(tokenKey, token);
    this.notice.value = '';
    batch(() => {
      this.user.value = userOf(token);
      this.token.value = token;
    });
  }

  signOut(): void {
    sessionStorage.removeItem(tokenKey);
    this.notice.value = '';
    batch(() => {
      this.user.value = undefined;
      this.token.value = undefined;
    });
  }

  /** A client of the signed-in user, and of nobody else: what it has begun it ends also when they sign out, and it goes on with their next token. `keepalive`: its requests outlive the page. */
  client({ keepalive = false }: { keepalive?: boolean } = {}): MediakeepClient {
    const user = this.user.peek();
    let last = this.token.peek() ?? '';
    const token = (): string => {
      if (this.user.peek() === user) last = this.token.peek() ?? last;
      return last;
    };
    return createClient({
      url: this.url,
      token,
      retry: patience,
      ...(keepalive && { fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, { ...init, keepalive: true }) }),
    });
  }

  /** What a failure means. A token that is no longer taken leads back to the sign-in; `user`: whose failure it is, if that may be another's. */
  explain(error: unknown, user = this.user.peek()): Failure {
    if (!(error instanceof MediakeepError)) {
      // A fault of this page: for whoever looks into the console.
      reportError(error);
      return {
        code: undefined,
        message: 'Something on this page went wrong. Reload it and try again.',
        passes: false,
        canRetry: true,
        retryAfterSeconds: undefined,
      };
    }
    // A late answer to somebody who has left is no reason to send away who came after.
    if (error.code === 'UNAUTHENTICATED' && user === this.user.peek()) this.#expire();
    const { code } = error;
    const passes = passing.has(code);
    const message = code === 'NETWORK' ? 'The server can’t be reached.' : error.message;
    return { code, message, passes, canRetry: !final.has(code), retryAfterSeconds: error.retryAfterSeconds };
  }

  #expire(): void {
    // Whoever signs out knows why.
    if (this.token.peek() === undefined) return;
    sessionStorage.removeItem(tokenKey);
    this.notice.value = 'The server no longer takes this token. Sign in with a new one.';
    this.token.value = undefined;
  }
}

/** Whose a token is: its `sub`. One that cannot be read is of a user of its own. */
function userOf(token: string | undefined): string | undefined {
  try {
    const payload = token?.split('.')[1] ?? '';
    const { sub } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { sub?: unknown };
    return typeof sub === 'string' ? sub : token;
  } catch {
    return token;
  }
}

const passing: ReadonlySet<string> = new Set(['NETWORK', 'RATE_LIMITED', 'OVERLOADED', 'STORAGE_UNAVAILABLE']);

/** Another try with the same file ends the same way. */
const final: ReadonlySet<string> = new Set(['FILE_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'INVALID_MEDIA']);
