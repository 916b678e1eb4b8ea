import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { Selection } from './gallery/selection.ts';
import { Edits } from './library/edits.ts';
import { Library } from './library/library.ts';
import { LibraryPage } from './library/library-page.tsx';
import { Removal } from './library/removal.ts';
import { Announcements, Announcer } from './parts/announcer.tsx';
import type { ThemeChoice } from './parts/theme.ts';
import { Route } from './route.ts';
import type { Failure, Session } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { type Tools, ToolsContext } from './tools.ts';
import { Interrupted } from './uploads/interrupted.ts';
import { UploadQueue } from './uploads/queue.ts';
import { resume } from './uploads/resume.ts';
import { bytesInWords } from './words.ts';

/** The whole page: the library of whoever is signed in, or the way in. */
export function App({ session, theme }: { session: Session; theme: ThemeChoice }): VNode {
  const user = session.user.value;
  // When a token expires, they are kept until the same user has signed in again: what was to be uploaded waits for that.
  const tools = useMemo(() => (user === undefined ? undefined : assemble(session)), [session, user]);
  useEffect(() => tools && keep(tools), [tools]);
  if (tools === undefined || session.token.value === undefined) return <SignIn session={session} theme={theme} />;
  return <SignedIn key={user} tools={tools} theme={theme} />;
}

function SignedIn({ tools, theme }: { tools: Tools; theme: ThemeChoice }): VNode {
  useEffect(() => follow(tools), [tools]);
  return (
    <ToolsContext.Provider value={tools}>
      <Announcements announcer={tools.announcer} />
      <LibraryPage theme={theme} />
    </ToolsContext.Provider>
  );
}

function assemble(session: Session): Tools {
  const user = session.user.peek();
  const client = session.client();
  const announcer = new Announcer();
  const announce = (text: string): void => announcer.say(text);
  const explain = (error: unknown): string => session.explain(error, user).message;
  const library = new Library({ client, explain });
  const interrupted = new Interrupted();
  const removal = new Removal({ client: session.client({ keepalive: true }), library, explain, announce });
  return {
    session,
    client,
    library,
    announcer,
    interrupted,
    edits: new Edits({ client, library, explain }),
    selection: new Selection(),
    route: new Route(),
    removal,
    queue: new UploadQueue({
      client,
      resume,
      interrupted,
      explain: (error, file) => withSizes(session.explain(error, user), file, library.usage.peek()?.quotaBytes),
      makeRoom: () => removal.flush(),
      onDone: (asset) => library.put(asset),
      announce,
    }),
  };
}

/** The server says a quota to the byte; the page writes it as it writes all sizes. */
function withSizes(failure: Failure, file: File | undefined, quotaBytes: number | null | undefined): Failure {
  if (failure.code !== 'QUOTA_EXCEEDED' || file === undefined || !quotaBytes) return failure;
  const message = `Its ${bytesInWords(file.size)} would pass your quota of ${bytesInWords(quotaBytes)}. Delete something first.`;
  return { ...failure, message };
}

/** What goes on for as long as the user is the same. Returns what ends it. */
function keep({ queue, interrupted }: Tools): () => void {
  const end = queue.guard();
  return () => {
    end();
    queue.pauseAll();
    interrupted.close();
  };
}

/** What goes on while somebody is signed in. Returns what ends it. */
function follow({ library, queue, route, removal, edits }: Tools): () => void {
  const ends = [library.follow(), queue.follow(), route.follow(), edits.follow()];
  const leave = (): void => removal.leave();
  addEventListener('pagehide', leave);
  return () => {
    removeEventListener('pagehide', leave);
    void removal.flush();
    for (const end of ends) end();
  };
}
