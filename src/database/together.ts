/**
 * Asks for what several callers want at the same moment in one question: pages ask for dozens of pictures at once, and a statement's round trip costs more than
 * the rows it brings. Callers wait for nothing but the end of the event loop's turn.
 */
export class Together<T> {
  readonly #ask: (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>;
  #waiting: Promise<ReadonlyMap<string, T>> | undefined;
  #ids = new Set<string>();

  constructor(ask: (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>) {
    this.#ask = ask;
  }

  /** What belongs to an id, by a question that is asked after this call. Rejects as the question does. */
  async get(id: string): Promise<T | undefined> {
    this.#ids.add(id);
    this.#waiting ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        const ids = [...this.#ids];
        this.#ids = new Set();
        this.#waiting = undefined;
        this.#ask(ids).then(resolve, reject);
      });
    });
    return (await this.#waiting).get(id);
  }
}
