import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** What a made picture looks like: a coloured gradient, each frame another. */
export interface Picture {
  /** Pixels as stored; `orientation` says how they are to be turned. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8. */
  readonly orientation?: number;
  readonly alpha?: boolean;
  /** More than one makes an animation (GIF, WebP, APNG). */
  readonly frames?: number;
  /** JPEG: progressive scans; PNG: Adam7. */
  readonly progressive?: boolean;
  /** WebP only. */
  readonly lossless?: boolean;
}

/** A small JPEG. */
export async function jpeg(picture: Picture): Promise<Buffer> {
  return await oriented(painted(picture), picture)
    .jpeg({ progressive: picture.progressive ?? false })
    .toBuffer();
}

/** A small PNG. */
export async function png(picture: Picture): Promise<Buffer> {
  return await oriented(painted(picture), picture)
    .png({ progressive: picture.progressive ?? false })
    .toBuffer();
}

/** A small GIF, animated when it has more than one frame. */
export async function gif(picture: Picture): Promise<Buffer> {
  return await (await animation(picture)).gif().toBuffer();
}

/** A small WebP, animated when it has more than one frame. */
export async function webp(picture: Picture): Promise<Buffer> {
  return await oriented(await animation(picture), picture)
    .webp({ lossless: picture.lossless ?? false, effort: 0 })
    .toBuffer();
}

/** A small AVIF. */
export async function avif(picture: Picture): Promise<Buffer> {
  return await oriented(painted(picture), picture).avif({ effort: 0 }).toBuffer();
}

/** An animated PNG. sharp writes none, so the frames of several PNGs are put together (PNG 3rd edition, 4.9). */
export async function apng(picture: Picture): Promise<Buffer> {
  const frames = picture.frames ?? 1;
  const stills = await Promise.all(Array.from({ length: frames }, (_, index) => painted(picture, index).png().toBuffer()));
  const [first = Buffer.alloc(0)] = stills;
  const parts: Buffer[] = [first.subarray(0, 8), ...chunksOf(first, 'IHDR').map((data) => pngChunk('IHDR', data))];
  parts.push(pngChunk('acTL', uint32s(frames, 0)));
  let sequence = 0;
  for (const [index, still] of stills.entries()) {
    const delays = Buffer.from([0, 1, 0, 10, 0, 0]);
    parts.push(pngChunk('fcTL', Buffer.concat([uint32s(sequence++, picture.width, picture.height, 0, 0), delays])));
    for (const data of chunksOf(still, 'IDAT')) {
      parts.push(index === 0 ? pngChunk('IDAT', data) : pngChunk('fdAT', Buffer.concat([uint32s(sequence++), data])));
    }
  }
  return Buffer.concat([...parts, pngChunk('IEND', Buffer.alloc(0))]);
}

/**
 * A JPEG that costs a decoder what a photo costs: a gradient under seeded noise, of `megapixels` (4:3) and, within a few per cent, `sizeBytes`.
 * The same arguments give the same bytes.
 */
export async function photo({ megapixels, sizeBytes }: { megapixels: number; sizeBytes: number }): Promise<Buffer> {
  const width = Math.round(Math.sqrt((megapixels * 1_000_000 * 4) / 3));
  const height = Math.round((width * 3) / 4);
  const full = noise(width, height);
  const encode = (image: Sharp, quality: number): Promise<Buffer> => image.jpeg({ quality }).toBuffer();
  const raw = { raw: { width, height, channels: 3 as const } };
  // The quality is found on a strip, because a whole picture takes half a second to encode.
  const strip = { left: 0, top: Math.floor(height / 2), width, height: Math.min(height - Math.floor(height / 2), 256) };
  const wanted = sizeBytes * (strip.height / height);
  const stripped = await sharp(full, raw).extract(strip).raw().toBuffer();
  let best = 1;
  for (let step = 64; step >= 1; step = Math.floor(step / 2)) {
    const quality = best + step;
    if (quality > 100) continue;
    const size = (await encode(sharp(stripped, { raw: { width, height: strip.height, channels: 3 } }), quality)).length;
    if (size <= wanted) best = quality;
  }
  return await encode(sharp(full, raw), best);
}

/** A PNG chunk with its length and checksum. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([uint32s(data.length), body, uint32s(crc32(body))]);
}

/** Big-endian 32-bit numbers, one after the other. */
export function uint32s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

function painted({ width, height, alpha }: Picture, frame = 0): Sharp {
  const channels = alpha ? 4 : 3;
  const pixels = Buffer.alloc(width * height * channels);
  for (let index = 0; index < width * height; index++) {
    const [x, y] = [index % width, Math.floor(index / width)];
    pixels[index * channels] = Math.round((x / width) * 255);
    pixels[index * channels + 1] = Math.round((y / height) * 255);
    pixels[index * channels + 2] = (frame * 80) % 256;
    if (alpha) pixels[index * channels + 3] = (x + y) % 2 === 0 ? 255 : 64;
  }
  return sharp(pixels, { raw: { width, height, channels } });
}

async function animation(picture: Picture): Promise<Sharp> {
  const frames = picture.frames ?? 1;
  if (frames === 1) return painted(picture);
  const stills = await Promise.all(Array.from({ length: frames }, (_, index) => painted(picture, index).png().toBuffer()));
  return sharp(stills, { join: { animated: true } });
}

function oriented(image: Sharp, { orientation }: Picture): Sharp {
  return orientation === undefined ? image : image.withMetadata({ orientation });
}

function chunksOf(file: Buffer, type: string): Buffer[] {
  const found: Buffer[] = [];
  for (let offset = 8; offset < file.length; offset += 12 + file.readUInt32BE(offset)) {
    if (file.toString('latin1', offset + 4, offset + 8) !== type) continue;
    found.push(file.subarray(offset + 8, offset + 8 + file.readUInt32BE(offset)));
  }
  return found;
}

function noise(width: number, height: number): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 0x9e3779b9;
  for (let index = 0; index < pixels.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const gradient = ((index % (width * 3)) / (width * 3)) * 180 + 20;
    pixels[index] = gradient + (state & 31);
  }
  return pixels;
}
