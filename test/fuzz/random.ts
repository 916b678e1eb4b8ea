/** Numbers that look random and are the same for the same seed, so that a case can be run again alone. */
export class Random {
  #state: number;

  /** Any 32-bit number. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, but not, `end`. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  /** True in `share` of all cases. */
  chance(share: number): boolean {
    return this.#next() < share;
  }

  /** One of them. */
  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('There is nothing to pick from');
    return value;
  }

  /** Noise. */
  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** Text of up to `length` characters: letters, and the characters that parsers stumble over. */
  text(length: number): string {
    return Array.from({ length: this.below(length + 1) }, () => this.pick(characters)).join('');
  }

  /** Mulberry32. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

/** Of no alphabet in particular: NUL, quotes, separators, a direction override, half of a surrogate pair, characters of one to four bytes. */
const characters = [
  ...'abcXYZ019 ./\\\'"`%&?#=;:,<>{}[]()*$@!~^|+-_',
  '\0',
  '\r',
  '\n',
  '\t',
  'é',
  '中',
  '😀',
  '\u202e',
  '\ud800',
];
