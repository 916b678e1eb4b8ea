import { batch, computed, signal } from '@preact/signals';
import type { MediakeepClient, UpdateMediaInput } from '../sdk.ts';
import { isGone } from './gone.ts';
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
  /** Assets with a change that could not be saved. */
  readonly failed = computed(() => [...this.#edits.value].filter(([, { problem }]) => problem !== '').map(([id]) => id));
  /** Assets that turned out to be deleted when a change was to be saved. */
  readonly gone = signal<ReadonlySet<string>>(new Set());
  /** What the user has to be told of that; empty: nothing. */
  readonly notice = signal('');
  readonly #options: EditsOptions;
  readonly #edits = signal<ReadonlyMap<string, Edit>>(new Map());

  constructor(options: EditsOptions) {
    this.#options = options;
  }

  /** undefined: everything is saved. */
  of(id: string): Edit | undefined {
    return this.#edits.value.get(id);
  }

  /** Saves what could not be saved when the network is back. Returns what ends that. */
  follow(): () => void {
    const retry = (): void => this.saveAll();
    addEventListener('online', retry);
    return () => removeEventListener('online', retry);
  }

  saveAll(): void {
    for (const id of this.failed.peek()) void this.save(id);
  }

  /** Gives up what could not be saved. */
  discardAll(): void {
    for (const id of this.failed.peek()) this.#set(id, undefined);
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
        if (isGone(error)) return this.#forget(id);
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

  /** Somebody else, or another tab, has deleted it. */
  #forget(id: string): void {
    const { library } = this.#options;
    const asset = library.byId.peek().get(id);
    batch(() => {
      this.#set(id, undefined);
      this.gone.value = new Set([...this.gone.peek(), id]);
      this.notice.value = `${asset === undefined ? 'The item' : `“${asset.title ?? asset.filename}”`} was deleted elsewhere, so your change is not kept.`;
      library.drop(new Set([id]));
    });
  }

  #set(id: string, edit: Edit | undefined): void {
    const next = new Map(this.#edits.peek());
    if (edit === undefined) next.delete(id);
    else next.set(id, edit);
    this.#edits.value = next;
  }
}
