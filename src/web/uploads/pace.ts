/** How far back a pace looks, in milliseconds: long enough not to jump, short enough to follow. */
const windowMs = 5000;

/** Bytes a second over the last few seconds. */
export class Pace {
  readonly #notes: { readonly bytes: number; readonly at: number }[] = [];

  /** `bytes` in all were sent at `at` (milliseconds). Fewer than before, as after a break, begin anew. */
  note(bytes: number, at: number): void {
    const last = this.#notes.at(-1);
    if (last !== undefined && bytes < last.bytes) this.clear();
    this.#notes.push({ bytes, at });
    while (this.#notes.length > 2 && (this.#notes[0]?.at ?? at) < at - windowMs) this.#notes.shift();
  }

  bytesPerSecond(now: number): number {
    const [first] = this.#notes;
    const last = this.#notes.at(-1);
    if (first === undefined || last === undefined) return 0;
    const seconds = (Math.max(now, last.at) - first.at) / 1000;
    return seconds < 0.2 ? 0 : (last.bytes - first.bytes) / seconds;
  }

  clear(): void {
    this.#notes.length = 0;
  }
}
