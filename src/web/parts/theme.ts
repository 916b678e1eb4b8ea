import { effect, signal } from '@preact/signals';

export type Theme = 'light' | 'dark';

const storageKey = 'mediakeep.theme';

/** Dark or light: as the system has it, until the user says otherwise. */
export class ThemeChoice {
  readonly theme = signal<Theme>(this.#system());
  #chosen = stored();

  /** Applies it, now and whenever it changes. */
  follow(): void {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      if (this.#chosen === undefined) this.theme.value = this.#system();
    });
    if (this.#chosen !== undefined) this.theme.value = this.#chosen;
    effect(() => {
      document.documentElement.dataset.theme = this.theme.value;
    });
  }

  toggle(): void {
    const next = this.theme.peek() === 'dark' ? 'light' : 'dark';
    // What the system says anyway is no choice: it is followed again.
    this.#chosen = next === this.#system() ? undefined : next;
    if (this.#chosen === undefined) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, next);
    this.theme.value = next;
  }

  #system(): Theme {
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
}

function stored(): Theme | undefined {
  const value = localStorage.getItem(storageKey);
  return value === 'dark' || value === 'light' ? value : undefined;
}
