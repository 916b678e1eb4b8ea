import { batch, computed, effect, signal } from '@preact/signals';
import type { Asset, MediakeepClient, Usage } from '../sdk.ts';

/** What the library is narrowed down to. */
export interface Filter {
  readonly kind?: 'IMAGE' | 'VIDEO';
  readonly status?: 'PROCESSING' | 'READY' | 'FAILED';
  readonly tag?: string;
  readonly search?: string;
}

/** What it takes to show a library. */
export interface LibraryOptions {
  readonly client: MediakeepClient;
  /** Turns whatever failed into a sentence for the user. */
  readonly explain: (error: unknown) => string;
}

/** How many assets a page of the list holds. */
const pageSize = 60;

/** How often what is in work is asked after, in milliseconds, and how many of it at once. */
const lookAgainMs = 4000;
const mostLookedAt = 10;

/** How long after a change what it costs in storage is asked again, in milliseconds: many changes make one question. */
const usageDelay = 400;

/** The user's assets as far as they are loaded, newest first, and how far the loading is. */
export class Library {
  readonly filter = signal<Filter>({});
  /** `loading`: the first page is on its way and nothing is there to show. */
  readonly phase = signal<'loading' | 'more' | 'idle' | 'failed'>('loading');
  readonly problem = signal('');
  readonly usage = signal<Usage | undefined>(undefined);
  /** Those the user has deleted, for as long as that can be undone. */
  readonly leaving = signal<ReadonlySet<string>>(new Set());
  readonly shown = computed(() => this.#assets.value.filter(({ id }) => !this.leaving.value.has(id)));
  readonly byId = computed(() => new Map(this.#assets.value.map((asset) => [asset.id, asset])));
  /** How many fit the filter; undefined until the server has said so. */
  readonly total = computed(() => {
    const total = this.#total.value;
    return total === undefined ? undefined : Math.max(total - this.leaving.value.size, this.shown.value.length);
  });
  /** Tags of what is loaded, the most frequent first. */
  readonly tags = computed(() => {
    const counts = new Map<string, number>();
    for (const tag of this.#assets.value.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [...counts].toSorted(([, a], [, b]) => b - a).map(([tag]) => tag);
  });
  readonly isNarrowed = computed(() => Object.values(this.filter.value).some((value) => value !== undefined));

  readonly #client: MediakeepClient;
  readonly #explain: (error: unknown) => string;
  readonly #assets = signal<readonly Asset[]>([]);
  readonly #total = signal<number | undefined>(undefined);
  /** Where the next page begins, also when it could not be had; null: there is none, or the first is to come. */
  #cursor: string | null = null;
  #loading = new AbortController();
  #usageTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ client, explain }: LibraryOptions) {
    this.#client = client;
    this.#explain = explain;
    this.refreshUsage();
  }

  /** Loads the first page now and whenever the filter changes. Returns what ends that. */
  follow(): () => void {
    const end = effect(() => {
      void this.#load(this.filter.value, null);
    });
    const timer = setInterval(() => void this.#lookAgain(), lookAgainMs);
    return () => {
      end();
      clearInterval(timer);
      clearTimeout(this.#usageTimer);
    };
  }

  narrow(change: { readonly [Key in keyof Filter]: Filter[Key] | undefined }): void {
    const next = Object.fromEntries(Object.entries({ ...this.filter.peek(), ...change }).filter(([, value]) => value));
    if (JSON.stringify(next) !== JSON.stringify(this.filter.peek())) this.filter.value = next;
  }

  /** The next page, unless there is none or it is on its way. */
  loadMore(): void {
    if (this.phase.peek() === 'idle' && this.#cursor !== null) void this.#load(this.filter.peek(), this.#cursor);
  }

  /** After a failure: what failed, once more. */
  tryAgain(): void {
    void this.#load(this.filter.peek(), this.#cursor);
  }

  /** Puts a new asset, or a new state of one, where it belongs; one that the filter leaves out stays out. */
  put(asset: Asset): void {
    const others = this.#assets.peek().filter(({ id }) => id !== asset.id);
    const isNew = others.length === this.#assets.peek().length;
    if (isNew && !fits(asset, this.filter.peek())) return;
    // Ids of later assets are greater: UUIDv7.
    const before = others.findIndex(({ id }) => id < asset.id);
    const at = before === -1 ? others.length : before;
    batch(() => {
      this.#assets.value = others.toSpliced(at, 0, asset);
      if (isNew && this.#total.peek() !== undefined) this.#total.value = (this.#total.peek() ?? 0) + 1;
    });
    if (isNew) this.refreshUsage();
  }

  /** Forgets assets that are gone. */
  drop(ids: ReadonlySet<string>): void {
    const left = this.#assets.peek().filter(({ id }) => !ids.has(id));
    const gone = this.#assets.peek().length - left.length;
    batch(() => {
      this.#assets.value = left;
      if (this.#total.peek() !== undefined) this.#total.value = Math.max(0, (this.#total.peek() ?? 0) - gone);
    });
    this.refreshUsage();
  }

  refreshUsage(): void {
    clearTimeout(this.#usageTimer);
    this.#usageTimer = setTimeout(() => {
      this.#client.usage().then(
        (usage) => {
          this.usage.value = usage;
        },
        // A figure beside the point: the list tells the same trouble louder.
        (error: unknown) => this.#explain(error),
      );
    }, usageDelay);
  }

  /** Asks what has become of those that the server still works on. */
  async #lookAgain(): Promise<void> {
    if (document.hidden) return;
    const inWork = this.shown.peek().filter(({ status }) => status === 'PROCESSING');
    for (const { id } of inWork.slice(0, mostLookedAt)) {
      try {
        const asset = await this.#client.media(id);
        if (asset === null) this.drop(new Set([id]));
        else if (asset.status !== 'PROCESSING') this.put(asset);
      } catch (error) {
        // The next look may do better.
        this.#explain(error);
      }
    }
  }

  async #load(filter: Filter, after: string | null): Promise<void> {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    this.#cursor = after;
    this.phase.value = after === null ? 'loading' : 'more';
    try {
      const page = await this.#client.page({ ...filter, after, first: pageSize, signal });
      if (signal.aborted) return;
      this.#cursor = page.nextCursor;
      batch(() => {
        this.#assets.value = after === null ? page.items : merged(this.#assets.peek(), page.items);
        this.#total.value = page.totalCount;
        this.phase.value = 'idle';
      });
    } catch (error) {
      if (signal.aborted) return;
      batch(() => {
        // What was there before a filter is not what it would have found.
        if (after === null) this.#assets.value = [];
        this.problem.value = this.#explain(error);
        this.phase.value = 'failed';
      });
    }
  }
}

/** Without repeating what came in by an upload while the page was asked for. */
function merged(assets: readonly Asset[], more: readonly Asset[]): Asset[] {
  const known = new Set(assets.map(({ id }) => id));
  return [...assets, ...more.filter(({ id }) => !known.has(id))];
}

function fits(asset: Asset, { kind, status, tag, search }: Filter): boolean {
  const texts = [asset.filename, asset.title, asset.altText];
  return (
    (kind === undefined || asset.kind === kind) &&
    (status === undefined || asset.status === status) &&
    (tag === undefined || asset.tags.includes(tag)) &&
    (search === undefined || texts.some((text) => text?.toLowerCase().includes(search.toLowerCase())))
  );
}
