import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Mark } from './parts/mark.tsx';
import type { ThemeChoice } from './parts/theme.ts';
import { ThemeSwitch } from './parts/theme-switch.tsx';
import type { Session } from './session.ts';

/** The way in: a token, which a development server offers by itself. */
export function SignIn({ session, theme }: { session: Session; theme: ThemeChoice }): VNode {
  const token = useSignal('');
  const isOffered = useSignal(false);
  const problem = useSignal(session.notice.peek());
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    document.title = 'Sign in · Mediakeep';
    void offeredToken(session).then((offered) => {
      if (offered === undefined || token.peek() !== '') return;
      token.value = offered;
      isOffered.value = true;
      button.current?.focus();
    });
  }, [session, token, isOffered]);

  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    // People paste what they see in examples.
    const typed = token
      .peek()
      .trim()
      .replace(/^Bearer\s+/i, '');
    if (typed === '') problem.value = 'Paste a token first.';
    else session.signIn(typed);
  };

  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit} noValidate>
        <Mark />
        <div class="sign-in-words">
          <h1>Your pictures and videos, kept.</h1>
          <p>Sign in with a token to see your library.</p>
        </div>
        {problem.value !== '' && (
          <p class="notice is-bad" role="alert">
            {problem}
          </p>
        )}
        <div class="field">
          <label class="field-label" for="token">
            Token
          </label>
          <input
            id="token"
            class="input"
            type="password"
            name="token"
            autocomplete="current-password"
            spellcheck={false}
            value={token}
            aria-describedby="token-hint"
            onInput={(event) => {
              token.value = event.currentTarget.value;
              isOffered.value = false;
            }}
          />
          <span class="field-hint" id="token-hint">
            {isOffered.value ? (
              'Filled in for you: this is a development server, and the token is for the user demo.'
            ) : (
              <>
                A JSON Web Token that this server takes. <code>npm run token -- NAME</code> prints one for development.
              </>
            )}
          </span>
        </div>
        <button class="button is-primary is-wide" type="submit" ref={button}>
          Sign in
        </button>
      </form>
      <footer class="sign-in-foot">
        <a href="graphql">Playground</a>
        <a href="api/v1/docs">API docs</a>
        <ThemeSwitch theme={theme} />
      </footer>
    </main>
  );
}

/** What a development server offers; undefined: nothing, as in production, or it does not answer. */
async function offeredToken(session: Session): Promise<string | undefined> {
  try {
    const response = await fetch(`${session.url}/page-config.json`);
    const { token } = (await response.json()) as { token: string | null };
    return token ?? undefined;
  } catch {
    // The form works without; a server that is away says so at the next step.
    return undefined;
  }
}
