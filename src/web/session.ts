import { signal } from '@preact/signals';
import { createClient, type MediakeepClient, MediakeepError } from './sdk.ts';

/** What went wrong, for the user and for what comes next. */
export interface Failure {
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
  /** Why somebody has to sign in again; empty: no reason. */
  readonly notice = signal('');
  /** The server's address, wherever below its origin the page lives. */
  readonly url = new URL('.', location.href).href.replace(/\/$/, '');

  signIn(token: string): void {
    sessionStorage.setItem(tokenKey, token);
    this.notice.value = '';
    this.token.value = token;
  }

  signOut(notice = ''): void {
    sessionStorage.removeItem(tokenKey);
    this.notice.value = notice;
    this.token.value = undefined;
  }

  /** A client of the signed-in user, and of nobody else: what it has begun it ends also when they sign out. `keepalive`: its requests outlive the page. */
  client({ keepalive = false }: { keepalive?: boolean } = {}): MediakeepClient {
    const token = this.token.peek();
    return createClient({
      url: this.url,
      token,
      retry: patience,
      ...(keepalive && { fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, { ...init, keepalive: true }) }),
    });
  }

  /** What a failure means. A token that is no longer taken leads back to the sign-in; `token`: with which it failed, if that may be another's. */
  explain(error: unknown, token = this.token.peek()): Failure {
    if (!(error instanceof MediakeepError)) {
      // A fault of this page: for whoever looks into the console.
      reportError(error);
      return {
        message: 'Something on this page went wrong. Reload it and try again.',
        passes: false,
        canRetry: true,
        retryAfterSeconds: undefined,
      };
    }
    // A late answer to somebody who has left is no reason to send away who came after.
    if (error.code === 'UNAUTHENTICATED' && token === this.token.peek()) {
      this.signOut('The server no longer takes this token. Sign in with a new one.');
    }
    const passes = passing.has(error.code);
    const message = error.code === 'NETWORK' ? 'The server can’t be reached.' : error.message;
    return { message, passes, canRetry: !final.has(error.code), retryAfterSeconds: error.retryAfterSeconds };
  }
}

const passing: ReadonlySet<string> = new Set(['NETWORK', 'RATE_LIMITED', 'OVERLOADED', 'STORAGE_UNAVAILABLE']);

/** Another try with the same file ends the same way. */
const final: ReadonlySet<string> = new Set(['FILE_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'INVALID_MEDIA']);
