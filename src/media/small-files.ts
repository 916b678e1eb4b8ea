/** Small files that were read a short while ago, the least recently used going first. Objects never change, so neither does what is kept here. */
export class SmallFiles {
  readonly #budgetBytes: number;
  readonly #files = new Map<string, Buffer>();
  #heldBytes = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  get(key: string): Buffer | undefined {
    const bytes = this.#files.get(key);
    if (bytes === undefined) return undefined;
    // A Map keeps the order of insertion: what is used goes to its end.
    this.#files.delete(key);
    this.#files.set(key, bytes);
    return bytes;
  }

  keep(key: string, bytes: Buffer): void {
    this.forget(key);
    this.#files.set(key, bytes);
    this.#heldBytes += bytes.length;
    for (const [oldest] of this.#files) {
      if (this.#heldBytes <= this.#budgetBytes) return;
      this.forget(oldest);
    }
  }

  forget(key: string): void {
    this.#heldBytes -= this.#files.get(key)?.length ?? 0;
    this.#files.delete(key);
  }
}
