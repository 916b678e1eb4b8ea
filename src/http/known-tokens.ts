/** Tokens that were verified in the last minute, so that a request may ask twice (limit, then door) and a gallery's requests cost one signature. */
export class KnownTokens {
  static readonly #maxAgeMs = 60_000;
  static readonly #maxCount = 5000;
  readonly #entries = new Map<string, { userId: string; untilMs: number }>();

  /** The user of a token that is known and still good. */
  userOf(token: string, now: Date): string | undefined {
    const entry = this.#entries.get(token);
    if (entry === undefined || entry.untilMs > now.getTime()) return entry?.userId;
    this.#entries.delete(token);
    return undefined;
  }

  /** Remembers a verified token, until it expires or is a minute old; the oldest makes room. */
  add(token: string, { userId, expiresAtMs }: { userId: string; expiresAtMs: number }, now: Date): void {
    // A Map keeps the order of insertion: the first is the oldest.
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= KnownTokens.#maxCount) this.#entries.delete(oldest);
    this.#entries.set(token, { userId, untilMs: Math.min(expiresAtMs, now.getTime() + KnownTokens.#maxAgeMs) });
  }
}
