import { computed, signal } from '@preact/signals';

/** Which assets are selected, and where a range begins. */
export class Selection {
  readonly ids = signal<ReadonlySet<string>>(new Set());
  readonly count = computed(() => this.ids.value.size);
  /** Whether a press selects instead of opening: while something is selected, or the user says so. */
  readonly isOn = computed(() => this.#isAsked.value || this.count.value > 0);
  readonly #isAsked = signal(false);
  #anchor: string | undefined;

  has(id: string): boolean {
    return this.ids.value.has(id);
  }

  toggle(id: string): void {
    const next = new Set(this.ids.peek());
    if (!next.delete(id)) next.add(id);
    this.#anchor = id;
    this.ids.value = next;
  }

  /** Everything from where the last one was toggled to `id`, in the order of `all`. */
  extend(id: string, all: readonly string[]): void {
    const [from, to] = [all.indexOf(this.#anchor ?? id), all.indexOf(id)];
    if (from === -1 || to === -1) return this.toggle(id);
    this.ids.value = new Set([...this.ids.peek(), ...all.slice(Math.min(from, to), Math.max(from, to) + 1)]);
  }

  /** Where a range begins that the keyboard extends. */
  startAt(id: string): void {
    this.#anchor = id;
  }

  set(ids: Iterable<string>): void {
    this.ids.value = new Set(ids);
  }

  /** Nothing else stays selected than what is among these. */
  keep(ids: Iterable<string>): void {
    const selected = this.ids.peek();
    const kept = new Set([...ids].filter((id) => selected.has(id)));
    if (kept.size < selected.size) this.ids.value = kept;
  }

  /** Begins to select, with nothing selected yet. */
  begin(): void {
    this.#isAsked.value = true;
  }

  clear(): void {
    this.#isAsked.value = false;
    if (this.ids.peek().size > 0) this.ids.value = new Set();
  }
}
