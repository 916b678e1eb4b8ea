/** Work that a process has begun and must not leave in the middle. */
export class UnderWay {
  readonly #work = new Set<Promise<unknown>>();

  /** Counts work until it is over, however it ends. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
    return tracked;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }
}
