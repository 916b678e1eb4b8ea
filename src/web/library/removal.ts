import { computed, signal } from '@preact/signals';
import type { MediakeepClient } from '../sdk.ts';
import { isGone } from './gone.ts';
import type { Library } from './library.ts';

/** How long a deletion can be undone, in milliseconds. */
export const undoMs = 6000;

/** How many deletions are on their way at once. */
const parallel = 4;

/** What it takes to delete. */
export interface RemovalOptions {
  /** Its requests outlive the page: `keepalive`. */
  readonly client: MediakeepClient;
  readonly library: Library;
  readonly explain: (error: unknown) => string;
  readonly announce: (text: string) => void;
}

/** Deletions with a moment to undo: what the user deletes disappears at once, and is deleted when the moment has passed. */
export class Removal {
  /** How many are waiting to be deleted. */
  readonly count = computed(() => this.#waiting.value.length);
  /** What could not be deleted, in words; empty: nothing. */
  readonly problem = signal('');
  /** What came back last. */
  readonly returned = signal<readonly string[]>([]);
  /** Whether time stands still, because somebody is at the button. */
  readonly isHeld = signal(false);

  readonly #options: RemovalOptions;
  readonly #waiting = signal<readonly string[]>([]);
  /** How many more may be on their way, and what waits for that. */
  #free = parallel;
  readonly #turns: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /** A deletion during another's moment joins it, and both can be undone. */
  remove(ids: readonly string[]): void {
    this.problem.value = '';
    this.#wait([...new Set([...this.#waiting.peek(), ...ids])]);
    const count = this.#waiting.peek().length;
    this.#options.announce(`${count} ${count === 1 ? 'item' : 'items'} deleted. Press Control Z to undo.`);
    this.#start();
  }

  undo(): void {
    if (this.#waiting.peek().length === 0) return;
    clearTimeout(this.#timer);
    const ids = this.#waiting.peek();
    const count = ids.length;
    this.#wait([]);
    this.returned.value = ids;
    this.#options.announce(`${count} ${count === 1 ? 'item is' : 'items are'} back.`);
  }

  /** Stops the clock while the pointer or the focus is at the button. */
  hold(isHeld: boolean): void {
    this.isHeld.value = isHeld;
    if (isHeld) clearTimeout(this.#timer);
    else this.#start();
  }

  /** Deletes now what is waiting. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const ids = this.#waiting.peek();
    if (ids.length === 0) return;
    this.#waiting.value = [];
    const gone = new Set<string>();
    let failure = '';
    const work = async (id: string): Promise<void> => {
      const problem = await this.#inTurn(() => this.#delete(id));
      if (problem === undefined) gone.add(id);
      else failure = problem;
    };
    await Promise.all(ids.map(work));
    this.#options.library.drop(gone);
    this.#options.library.leaving.value = new Set([...this.#options.library.leaving.peek()].filter((id) => !ids.includes(id)));
    if (failure === '') return;
    const left = ids.length - gone.size;
    this.problem.value = `${left === 1 ? 'One item was' : `${left} items were`} not deleted. ${failure}`;
  }

  /** The page is left: whatever is still to be deleted is sent at once, because nothing goes on after the first answer. */
  leave(): void {
    void this.flush();
    const turns = this.#turns.splice(0);
    this.#free -= turns.length;
    for (const begin of turns) begin();
  }

  #start(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.peek().length > 0 && !this.isHeld.peek()) this.#timer = setTimeout(() => void this.flush(), undoMs);
  }

  #wait(ids: readonly string[]): void {
    const { leaving } = this.#options.library;
    const before = new Set(this.#waiting.peek());
    leaving.value = new Set([...[...leaving.peek()].filter((id) => !before.has(id)), ...ids]);
    this.#waiting.value = ids;
  }

  /** Does some work as soon as not too much of it is under way. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((begin) => this.#turns.push(begin));
    try {
      return await work();
    } finally {
      const begin = this.#turns.shift();
      if (begin === undefined) this.#free += 1;
      else begin();
    }
  }

  /** Resolves with why not; undefined when it is gone, whoever did it. */
  async #delete(id: string): Promise<string | undefined> {
    try {
      await this.#options.client.delete(id);
      return undefined;
    } catch (error) {
      return isGone(error) ? undefined : this.#options.explain(error);
    }
  }
}
