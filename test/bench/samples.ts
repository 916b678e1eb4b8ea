import { createHash, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BufferTarget, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output } from 'mediabunny';
import sharp, { type Sharp } from 'sharp';

/** A file to upload, that need not fit into memory. */
export interface Sample {
  readonly filename: string;
  readonly mimeType: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Its bytes, anew at every call. */
  chunks(): Iterable<Buffer>;
}

/** A JPEG of these sides that is about as large as asked: soft shapes under a film's grain, so that decoding costs what a photo's costs. */
export async function photo(options: { width: number; height: number; aboutBytes: number }): Promise<Sample> {
  const bytes = await jpegOfAbout(options.aboutBytes, await picture(options.width, options.height), options);
  return sampleOf('photo.jpg', 'image/jpeg', bytes.length, () => [bytes]);
}

/** An MP4 of exactly this size: a whole little video, then a box of noise that players pass over. */
export async function video(sizeBytes: number): Promise<Sample> {
  const head = await littleVideo();
  const box = freeBoxHeader(sizeBytes - head.length);
  const noise = randomBytes(noiseBytes);
  return sampleOf('video.mp4', 'video/mp4', sizeBytes, function* () {
    yield head;
    yield box;
    for (let left = sizeBytes - head.length - box.length; left > 0; left -= noise.length) {
      yield left >= noise.length ? noise : noise.subarray(0, left);
    }
  });
}

/** As {@link video}, of zeros with a number in each piece instead of noise: each byte has its place, and the file that {@link writeSparse} makes of it takes hardly any. */
export async function numberedVideo(sizeBytes: number): Promise<Sample> {
  const head = await littleVideo();
  const box = freeBoxHeader(sizeBytes - head.length);
  return sampleOf('video.mp4', 'video/mp4', sizeBytes, function* () {
    yield head;
    yield box;
    let left = sizeBytes - head.length - box.length;
    for (let number = 1; left > 0; number += 1) {
      const piece = Buffer.alloc(Math.min(numberedBytes, left));
      if (piece.length >= 4) piece.writeUInt32BE(number);
      yield piece;
      left -= piece.length;
    }
  });
}

/** Writes a sample to a new file, in which zeros are holes. */
export async function writeSparse(path: string, { sizeBytes, chunks }: Sample): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let position = 0;
    for (const chunk of chunks()) {
      for (let start = 0; start < chunk.length; start += holeBytes) {
        const block = chunk.subarray(start, start + holeBytes);
        if (!hole.subarray(0, block.length).equals(block)) await file.write(block, 0, block.length, position + start);
      }
      position += chunk.length;
    }
    await file.truncate(sizeBytes);
  } finally {
    await file.close();
  }
}

const noiseBytes = 1024 ** 2;
const numberedBytes = 256 * 1024;
/** A block of a file system. */
const holeBytes = 4096;
const hole = Buffer.alloc(holeBytes);

function sampleOf(filename: string, mimeType: string, sizeBytes: number, chunks: () => Iterable<Buffer>): Sample {
  const hash = createHash('sha256');
  for (const chunk of chunks()) hash.update(chunk);
  return { filename, mimeType, sizeBytes, sha256: hash.digest('hex'), chunks };
}

interface Sides {
  readonly width: number;
  readonly height: number;
}

async function picture(width: number, height: number): Promise<Buffer> {
  const raw = { width, height, channels: 3 } as const;
  const shapes = await noise({ width: Math.ceil(width / 48), height: Math.ceil(height / 48) }, 60)
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
  const grain = await noise({ width, height }, 25).raw().toBuffer();
  const layer = { input: grain, raw, blend: 'soft-light' } as const;
  return await sharp(shapes, { raw }).composite([layer]).removeAlpha().raw().toBuffer();
}

function noise({ width, height }: Sides, sigma: number): Sharp {
  return sharp({ create: { width, height, channels: 3, background: '#888', noise: { type: 'gaussian', mean: 128, sigma } } });
}

/** Looks for the quality by halving: five encodes at most. */
async function jpegOfAbout(aboutBytes: number, pixels: Buffer, { width, height }: Sides): Promise<Buffer> {
  let nearest = Buffer.alloc(0);
  for (let low = 65, high = 95; low <= high; ) {
    const quality = Math.floor((low + high) / 2);
    const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer();
    if (Math.abs(jpeg.length - aboutBytes) < Math.abs(nearest.length - aboutBytes)) nearest = jpeg;
    if (jpeg.length < aboutBytes) low = quality + 1;
    else high = quality - 1;
  }
  return nearest;
}

/** One second of 640x360 "H.264" whose container is right and whose pictures nobody decodes. */
async function littleVideo(): Promise<Buffer> {
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const source = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(source, { frameRate: 25 });
  await output.start();
  const decoderConfig = { codec: 'avc1.42c01e', codedWidth: 640, codedHeight: 360, description: avcConfiguration };
  for (let frame = 0; frame < 25; frame += 1) {
    const packet = new EncodedPacket(Buffer.from([0, 0, 0, 2, 0x65, frame]), frame === 0 ? 'key' : 'delta', frame / 25, 1 / 25);
    await source.add(packet, { decoderConfig });
  }
  await output.finalize();
  return Buffer.from(target.buffer ?? new ArrayBuffer(0));
}

/** ISO 14496-15 5.3.3.1: baseline profile, level 3, one sequence and one picture parameter set. */
const avcConfiguration = Buffer.from('0142c01effe1000a6742c01ed900a02ff96101000468ce3c80', 'hex');

/** ISO 14496-12 4.2: size 1 says that the real one follows in 64 bits. */
function freeBoxHeader(sizeBytes: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1, 0);
  header.write('free', 4, 'latin1');
  header.writeBigUInt64BE(BigInt(sizeBytes), 8);
  return header;
}
