import type { VNode } from 'preact';
import { Icon } from './icons.tsx';
import type { ThemeChoice } from './theme.ts';

/** Dark or light, with one press. */
export function ThemeSwitch({ theme }: { theme: ThemeChoice }): VNode {
  const next = theme.theme.value === 'dark' ? 'light' : 'dark';
  return (
    <button
      class="icon-button"
      type="button"
      aria-label={`Switch to ${next}`}
      title={`Switch to ${next}`}
      onClick={() => theme.toggle()}
    >
      <Icon name={next === 'light' ? 'sun' : 'moon'} />
    </button>
  );
}
