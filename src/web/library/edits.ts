import { signal } from '@preact/signals';
import type { MediakeepClient, UpdateMediaInput } from '../sdk.ts';
import type { Library } from './library.ts';

/** What is said of an asset, and the server does not have yet. */
interface Edit {
  readonly unsaved: UpdateMediaInput;
  readonly isSaving: boolean;
  /** Why it could not be saved; empty: it is on its way. */
  readonly problem: string;
}

/** What it takes to save. */
export interface EditsOptions {
  readonly client: MediakeepClient;
  readonly library: Library;
  readonly explain: (error: unknown) => string;
}

/** What the user changes, for as long as the server does not have it: longer than the details are open, if need be. */
export class Edits {
  readonly #options: EditsOptions;
  readonly #edits = signal<ReadonlyMap<string, Edit>>(new Map());

  constructor(options: EditsOptions) {
    this.#options = options;
  }

  /** undefined: everything is saved. */
  of(id: string): Edit | undefined {
    return this.#edits.value.get(id);
  }

  /** Saves a change and whatever else of the asset is not saved. One after the other: of two at once, the older could arrive last, and stay. */
  async save(id: string, change: UpdateMediaInput = {}): Promise<void> {
    const edit = this.#edits.peek().get(id);
    this.#set(id, { unsaved: { ...edit?.unsaved, ...change }, isSaving: true, problem: '' });
    if (edit?.isSaving) return;
    for (let sent = this.#unsaved(id); sent !== undefined; sent = this.#unsaved(id)) {
      try {
        this.#options.library.put(await this.#options.client.update(id, sent));
        this.#saved(id, sent);
      } catch (error) {
        this.#set(id, { unsaved: this.#unsaved(id) ?? sent, isSaving: false, problem: this.#options.explain(error) });
        return;
      }
    }
  }

  #unsaved(id: string): UpdateMediaInput | undefined {
    return this.#edits.peek().get(id)?.unsaved;
  }

  /** Leaves what was changed anew on the way. */
  #saved(id: string, sent: UpdateMediaInput): void {
    const isNew = ([key, value]: [string, unknown]): boolean => value !== sent[key as keyof UpdateMediaInput];
    const left = Object.entries(this.#unsaved(id) ?? {}).filter(isNew);
    this.#set(id, left.length === 0 ? undefined : { unsaved: Object.fromEntries(left), isSaving: true, problem: '' });
  }

  #set(id: string, edit: Edit | undefined): void {
    const next = new Map(this.#edits.peek());
    if (edit === undefined) next.delete(id);
    else next.set(id, edit);
    this.#edits.value = next;
  }
}
