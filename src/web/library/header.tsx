import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { Mark } from '../parts/mark.tsx';
import { Menu } from '../parts/menu.tsx';
import type { ThemeChoice } from '../parts/theme.ts';
import { ThemeSwitch } from '../parts/theme-switch.tsx';
import { useTools } from '../tools.ts';
import { UploadButton } from '../uploads/upload-button.tsx';
import { UsageMeter } from './usage-meter.tsx';

/** How long a search waits for the next letter, in milliseconds. */
const searchDelay = 250;

/** Name, search, usage, and what is done seldom. */
export function Header({ theme }: { theme: ThemeChoice }): VNode {
  const { session } = useTools();
  return (
    <header class="header">
      <Mark />
      <Search />
      <UsageMeter />
      <UploadButton />
      <ThemeSwitch theme={theme} />
      <Menu label="More">
        <UsageMeter />
        <a class="menu-item" href="graphql">
          GraphQL playground
        </a>
        <a class="menu-item" href="api/v1/docs">
          REST API docs
        </a>
        <button class="menu-item" type="button" onClick={() => session.signOut()}>
          Sign out
        </button>
      </Menu>
    </header>
  );
}

function Search(): VNode {
  const { library } = useTools();
  const text = useSignal(library.filter.peek().search ?? '');
  const input = useRef<HTMLInputElement>(null);

  // Cleared elsewhere, as by "Show everything".
  const filtered = library.filter.value.search ?? '';
  useEffect(() => {
    if (filtered === '' && document.activeElement !== input.current) text.value = '';
  }, [filtered, text]);

  const typed = text.value;
  useEffect(() => {
    const timer = setTimeout(() => library.narrow({ search: typed.trim() || undefined }), searchDelay);
    return () => clearTimeout(timer);
  }, [typed, library]);

  return (
    <search class="search">
      <Icon name="search" />
      <input
        ref={input}
        class="search-input"
        type="search"
        name="search"
        placeholder="Search names, titles, descriptions"
        aria-label="Search names, titles and descriptions"
        maxLength={200}
        autocomplete="off"
        value={text}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
    </search>
  );
}
