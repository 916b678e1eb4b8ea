import { rgbaToThumbHash } from 'thumbhash';
import type { ImageFacts } from '../media/media-asset.ts';

/** A small decoded picture, sRGB, 8 bits: 1 to 4 channels (grey or colour, each with or without alpha). */
export interface Still {
  readonly data: Buffer;
  /** Pixels. ThumbHash takes up to 100. */
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** What a small picture tells of the large one. `orientation` is EXIF's, 1 to 8: how the still is yet to be turned. */
export function factsOfStill(still: Still, orientation: number): Pick<ImageFacts, 'hasAlpha' | 'placeholder' | 'dominantColor'> {
  const { data, width, height } = upright(asRgba(still), orientation);
  return {
    hasAlpha: still.channels % 2 === 0,
    placeholder: Buffer.from(rgbaToThumbHash(width, height, data)).toString('base64'),
    dominantColor: dominantColorOf(data),
  };
}

function asRgba({ data, width, height, channels }: Still): Still {
  if (channels === 4) return { data, width, height, channels };
  const rgba = Buffer.alloc(width * height * 4, 255);
  const colours = channels >= 3 ? [0, 1, 2] : [0, 0, 0];
  for (let from = 0, to = 0; to < rgba.length; from += channels, to += 4) {
    for (const [index, channel] of colours.entries()) rgba[to + index] = data[from + channel] ?? 0;
    if (channels === 2) rgba[to + 3] = data[from + 1] ?? 255;
  }
  return { data: rgba, width, height, channels: 4 };
}

/** Where a pixel of the upright picture comes from, by EXIF orientation (Exif 3.0, 4.6.5.1.6): across and down, mirrored or not, sides swapped or not. */
const turns: readonly { readonly swaps: boolean; readonly mirrorsX: boolean; readonly mirrorsY: boolean }[] = [
  { swaps: false, mirrorsX: false, mirrorsY: false },
  { swaps: false, mirrorsX: true, mirrorsY: false },
  { swaps: false, mirrorsX: true, mirrorsY: true },
  { swaps: false, mirrorsX: false, mirrorsY: true },
  { swaps: true, mirrorsX: false, mirrorsY: false },
  { swaps: true, mirrorsX: false, mirrorsY: true },
  { swaps: true, mirrorsX: true, mirrorsY: true },
  { swaps: true, mirrorsX: true, mirrorsY: false },
];

function upright(still: Still, orientation: number): Still {
  const turn = turns[orientation - 1];
  if (turn === undefined || orientation === 1) return still;
  const [width, height] = turn.swaps ? [still.height, still.width] : [still.width, still.height];
  const data = Buffer.alloc(still.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [across, down] = turn.swaps ? [y, x] : [x, y];
      const fromX = turn.mirrorsX ? still.width - 1 - across : across;
      const fromY = turn.mirrorsY ? still.height - 1 - down : down;
      still.data.copy(data, (y * width + x) * 4, (fromY * still.width + fromX) * 4, (fromY * still.width + fromX) * 4 + 4);
    }
  }
  return { data, width, height, channels: 4 };
}

/** Colours fall into 512 boxes, 8 to each of red, green and blue. */
const boxCount = 512;

/** The mean of the fullest box of colours. Plain indices and arrays: this runs for every pixel of every upload. */
function dominantColorOf(rgba: Buffer): string | null {
  const counts = new Uint32Array(boxCount);
  const reds = new Uint32Array(boxCount);
  const greens = new Uint32Array(boxCount);
  const blues = new Uint32Array(boxCount);
  for (let at = 0; at + 3 < rgba.length; at += 4) {
    if ((rgba[at + 3] ?? 0) < 128) continue;
    const box = (((rgba[at] ?? 0) >> 5) << 6) | (((rgba[at + 1] ?? 0) >> 5) << 3) | ((rgba[at + 2] ?? 0) >> 5);
    counts[box] = (counts[box] ?? 0) + 1;
    reds[box] = (reds[box] ?? 0) + (rgba[at] ?? 0);
    greens[box] = (greens[box] ?? 0) + (rgba[at + 1] ?? 0);
    blues[box] = (blues[box] ?? 0) + (rgba[at + 2] ?? 0);
  }
  const count = Math.max(...counts);
  if (count === 0) return null;
  const fullest = counts.indexOf(count);
  const [red, green, blue] = [reds[fullest] ?? 0, greens[fullest] ?? 0, blues[fullest] ?? 0];
  return `#${[red, green, blue]
    .map((sum) =>
      Math.round(sum / count)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}
