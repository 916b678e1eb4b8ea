import sharp from 'sharp';

type Colour = readonly [red: number, green: number, blue: number];

interface Palette {
  readonly sky: Colour;
  readonly glow: Colour;
  readonly hills: readonly Colour[];
}

const palettes: readonly Palette[] = [
  {
    sky: [142, 201, 232],
    glow: [236, 244, 240],
    hills: [
      [170, 203, 184],
      [96, 143, 126],
      [42, 86, 73],
    ],
  },
  {
    sky: [34, 45, 84],
    glow: [244, 168, 98],
    hills: [
      [226, 104, 88],
      [96, 62, 98],
      [32, 24, 47],
    ],
  },
  {
    sky: [249, 222, 196],
    glow: [243, 164, 128],
    hills: [
      [200, 86, 62],
      [122, 59, 46],
      [59, 31, 27],
    ],
  },
  {
    sky: [207, 232, 255],
    glow: [176, 206, 232],
    hills: [
      [98, 140, 174],
      [47, 79, 102],
      [22, 40, 58],
    ],
  },
  {
    sky: [252, 232, 213],
    glow: [245, 184, 180],
    hills: [
      [168, 108, 190],
      [92, 60, 122],
      [42, 27, 64],
    ],
  },
  {
    sky: [238, 245, 225],
    glow: [208, 221, 178],
    hills: [
      [140, 158, 110],
      [96, 114, 74],
      [54, 68, 42],
    ],
  },
];

/** Sizes as a camera, a phone and a panorama have them, and a square. */
const sizes = [
  [1500, 1000],
  [1000, 1500],
  [1600, 900],
  [1200, 1200],
  [2400, 800],
  [900, 1350],
] as const;

/** Painted at this share of its size, and enlarged: a twentieth of the work, and as soft as a photo. */
const share = 0.2;

/** A landscape that looks like something, for eyes that judge a page: a sun over hills. The same number gives the same picture. */
export async function landscape(number: number): Promise<Buffer> {
  const [fullWidth, fullHeight] = sizes[number % sizes.length] ?? sizes[0];
  const [width, height] = [fullWidth * share, fullHeight * share];
  const pixels = Buffer.alloc(width * height * 3);
  const colourAt = scene(number, width / height);
  for (let at = 0; at < width * height; at += 1)
    pixels.set(colourAt((at % width) / width, Math.floor(at / width) / height), at * 3);
  const painted = sharp(pixels, { raw: { width, height, channels: 3 } });
  return await painted.resize(fullWidth, fullHeight, { fit: 'fill' }).jpeg({ quality: 84 }).toBuffer();
}

/** Two rings on nothing, as a logo has it. */
export async function rings(): Promise<Buffer> {
  const [width, height] = [700, 500];
  const pixels = Buffer.alloc(width * height * 4);
  const isOn = (x: number, y: number, centre: number): boolean => Math.abs(Math.hypot(x - centre, y - 250) - 150) < 14;
  for (let at = 0; at < width * height; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (isOn(x, y, 250)) pixels.set([13, 107, 94, 255], at * 4);
    else if (isOn(x, y, 430)) pixels.set([242, 169, 59, 255], at * 4);
  }
  return await sharp(pixels, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
}

/** What colour is where, from the upper left (0, 0) to the lower right (1, 1). */
function scene(number: number, ratio: number): (x: number, y: number) => Colour {
  const palette = palettes[(number * 5 + 1) % palettes.length] ?? { sky: [0, 0, 0], glow: [0, 0, 0], hills: [] };
  const sun = { x: 0.2 + ((number * 7) % 10) / 16, y: 0.22 + (number % 3) / 20 };
  const ridge = (x: number, index: number): number => {
    const wave = (x * (5 + ((number + index * 3) % 5)) * Math.max(ratio, 1)) / 1.5;
    return 0.52 + 0.15 * index - 0.08 * Math.sin(wave + number * 2 + index) - 0.03 * Math.sin(wave * 3.1 + number);
  };
  return (x, y) => {
    const nearest = palette.hills.findLastIndex((_, index) => y > ridge(x, index));
    const hill = palette.hills[nearest];
    if (hill !== undefined) return hill;
    const distance = Math.hypot((x - sun.x) * ratio, y - sun.y);
    if (distance < 0.07 * Math.min(ratio, 1)) return [255, 244, 214];
    const mix = Math.min(1, y / 0.6);
    const channel = (of: 0 | 1 | 2): number => palette.sky[of] + (palette.glow[of] - palette.sky[of]) * mix;
    return [channel(0), channel(1), channel(2)];
  };
}
