import { signal } from '@preact/signals';

/** Which asset's details are open. It stands in the address (`#/ID`), so that they can be linked to and Back closes them. */
export class Route {
  readonly open = signal<string | undefined>(read());
  /** Whether the step back stays on this page. */
  #isOurs = false;

  follow(): () => void {
    const changed = (): void => {
      this.open.value = read();
    };
    addEventListener('popstate', changed);
    return () => removeEventListener('popstate', changed);
  }

  show(id: string): void {
    // From one to the next is no step of its own: Back closes.
    if (this.open.peek() === undefined) {
      history.pushState(null, '', `#/${id}`);
      this.#isOurs = true;
    } else history.replaceState(null, '', `#/${id}`);
    this.open.value = id;
  }

  close(): void {
    if (this.open.peek() === undefined) return;
    this.open.value = undefined;
    if (this.#isOurs) history.back();
    else history.replaceState(null, '', location.pathname + location.search);
    this.#isOurs = false;
  }
}

function read(): string | undefined {
  return /^#\/([\w-]+)$/.exec(location.hash)?.[1];
}
