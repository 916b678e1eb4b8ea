import { effect } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { Details } from '../details/details.tsx';
import { Gallery } from '../gallery/gallery.tsx';
import type { ThemeChoice } from '../parts/theme.ts';
import { useTools } from '../tools.ts';
import { Dropping } from '../uploads/dropping.tsx';
import { UploadsPanel } from '../uploads/panel.tsx';
import { Header } from './header.tsx';
import { LibraryState } from './library-state.tsx';
import { Toasts } from './toasts.tsx';
import { Toolbar } from './toolbar.tsx';

/** The library of whoever is signed in. */
export function LibraryPage({ theme }: { theme: ThemeChoice }): VNode {
  const { library, removal, route, selection } = useTools();
  // What is no longer among the pictures, as after a search, must not be deleted with the others.
  useEffect(() => effect(() => selection.keep(library.shown.value.map(({ id }) => id))), [library, selection]);
  useEffect(() => {
    document.title = 'Library · Mediakeep';
    const undo = (event: KeyboardEvent): void => {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z';
      if (!isUndo || isTyping(event.target) || removal.count.peek() === 0) return;
      event.preventDefault();
      removal.undo();
    };
    addEventListener('keydown', undo);
    return () => removeEventListener('keydown', undo);
  }, [removal]);
  return (
    <>
      <a class="skip" href="#library">
        Skip to the library
      </a>
      <Header theme={theme} />
      <Toolbar />
      <main id="library" class="library" aria-busy={library.phase.value === 'loading'} tabIndex={-1}>
        <h1 class="unseen">Your library</h1>
        <Gallery />
        <LibraryState />
      </main>
      <div class="corner">
        {/* Below the open details nobody could reach it: they have it themselves. */}
        {route.open.value === undefined && <Toasts />}
        <UploadsPanel />
      </div>
      <Dropping />
      <Details />
    </>
  );
}

/** Where Control Z is the text field's own. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea');
}
