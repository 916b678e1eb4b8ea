import { freeAtOnce } from '../garbage.ts';

/**
 * Decoded pixels, upright, sRGB, 8 bits. They lie outside V8's heap, and are large: left to its collections, hundreds of MiB that nobody needs any more
 * would wait for one. So whoever holds them says when that ends, and the last one to do so frees them.
 */
export class Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  #holders = 1;

  /** Of memory of their own. Whoever makes them holds them. */
  constructor(data: Buffer, { width, height, channels }: { width: number; height: number; channels: 1 | 2 | 3 | 4 }) {
    this.data = data;
    this.width = width;
    this.height = height;
    this.channels = channels;
  }

  /** One holder more. */
  hold(): this {
    this.#holders += 1;
    return this;
  }

  /** One holder less. Nothing may be reading them for it: libvips would read memory that is another's. */
  letGo(): void {
    this.#holders -= 1;
    if (this.#holders === 0) freeAtOnce(this.data);
  }
}
