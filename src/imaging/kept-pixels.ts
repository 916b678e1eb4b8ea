import type { Size } from './pictures.ts';
import type { Pixels } from './pixels.ts';

/**
 * Pixels that were decoded a moment ago, because a page that asks for one size of an image often asks for the next right after, and decoding
 * is most of the work. Within `budgetBytes`, and each for `keepSeconds`.
 */
export class KeptPixels {
  readonly #budgetBytes: number;
  readonly #keepMs: number;
  readonly #kept = new Map<string, { readonly pixels: Pixels; readonly timer: NodeJS.Timeout }>();
  #heldBytes = 0;

  constructor(options: { budgetBytes: number; keepSeconds: number }) {
    this.#budgetBytes = options.budgetBytes;
    this.#keepMs = options.keepSeconds * 1000;
  }

  /** What is kept of an image, however small. The caller holds it. */
  get(id: string): Pixels | undefined {
    return this.#kept.get(id)?.pixels.hold();
  }

  /** Keeps pixels in place of what is kept of the same image; what is too much of the budget for one is not kept. */
  keep(id: string, pixels: Pixels): void {
    if (pixels.data.length > this.#budgetBytes / 4) return;
    this.#drop(id);
    const timer = setTimeout(() => this.#drop(id), this.#keepMs).unref();
    this.#kept.set(id, { pixels: pixels.hold(), timer });
    this.#heldBytes += pixels.data.length;
    // A Map keeps the order of insertion: the oldest goes first.
    for (const [oldest] of this.#kept) {
      if (this.#heldBytes <= this.#budgetBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    this.#kept.delete(id);
    this.#heldBytes -= kept.pixels.data.length;
    kept.pixels.letGo();
  }
}

/** Whether pixels are enough for a picture of this size. */
export function suffice(pixels: Pixels | undefined, size: Size): pixels is Pixels {
  return pixels !== undefined && pixels.width >= size.width && pixels.height >= size.height;
}
