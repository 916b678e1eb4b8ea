import { deflateSync } from 'node:zlib';
import type { RefusedFile, SampleFile } from './files.ts';
import { pngChunk, uint32s } from './pictures.ts';

/** Files of types that are not accepted, or of none at all, whatever their name says. */
export function strangers(): RefusedFile[] {
  const text = (...lines: string[]): Buffer => Buffer.from(lines.join('\n'));
  const padded = (head: Buffer): Buffer => Buffer.concat([head, Buffer.alloc(512)]);
  const unsupported = (name: string, bytes: Buffer, why: string): RefusedFile[] =>
    (['IMAGE', 'VIDEO'] as const).map((kind) => ({ name, kind, bytes, why, code: 'UNSUPPORTED_MEDIA_TYPE' }));
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>';
  return [
    { name: 'empty.jpg', kind: 'IMAGE', bytes: Buffer.alloc(0), why: 'nothing at all', code: 'INVALID_MEDIA' },
    { name: 'empty.mp4', kind: 'VIDEO', bytes: Buffer.alloc(0), why: 'nothing at all', code: 'INVALID_MEDIA' },
    ...unsupported('drawing.svg', text('<?xml version="1.0"?>', svg), 'an SVG with a script'),
    ...unsupported('bare-drawing.svg.png', text(svg), 'an SVG under the name of a PNG'),
    ...unsupported('page.html.jpg', text('<!doctype html>', '<script>alert(1)</script>'), 'a web page'),
    ...unsupported('paper.pdf', text('%PDF-1.7', '1 0 obj', '<< >>', 'endobj', '%%EOF'), 'a PDF'),
    ...unsupported('archive.zip', padded(Buffer.from('504b03041400000000000000', 'hex')), 'an archive'),
    ...unsupported('archive.gz', padded(Buffer.from('1f8b0800000000000003', 'hex')), 'an archive'),
    ...unsupported('program', padded(Buffer.from('7f454c460201010000000000000000000200', 'hex')), 'an ELF executable'),
    ...unsupported('program.exe', padded(Buffer.from('4d5a90000300000004000000ffff0000', 'hex')), 'a Windows executable'),
    ...unsupported('scan.tif', padded(Buffer.from('49492a0008000000', 'hex')), 'a TIFF'),
    ...unsupported('photo.heic', padded(box('ftyp', Buffer.from('heic\0\0\0\0mif1heic', 'latin1'))), 'an HEIC photo'),
    ...unsupported('list.m3u8', text('#EXTM3U', '#EXTINF:9,', 'http://169.254.169.254/'), 'a playlist that names a host'),
    ...unsupported('noise.bin', Buffer.alloc(600, 0xa5), 'bytes of no type'),
  ];
}

/** Accepted files after something happened to them: cut off, overwritten, or only their head kept in front of something else. */
export function damaged(images: readonly SampleFile[], videos: readonly SampleFile[]): RefusedFile[] {
  const invalid = (file: SampleFile, bytes: Buffer, why: string): RefusedFile => ({
    name: file.name,
    kind: file.kind,
    bytes,
    why,
    code: 'INVALID_MEDIA',
  });
  const cut = (file: SampleFile, share: number): RefusedFile =>
    invalid(file, file.bytes.subarray(0, Math.floor(file.bytes.length * share)), `cut off after ${share * 100} %`);
  const boxed = videos.filter(({ mimeType }) => mimeType === 'video/mp4' || mimeType === 'video/quicktime');
  const only = (name: string, bytes: Buffer, why: string): RefusedFile => ({
    name,
    kind: 'IMAGE',
    bytes,
    why,
    code: 'INVALID_MEDIA',
  });
  return [
    ...images.flatMap((file) => [
      cut(file, 0.5),
      cut(file, 0.8),
      invalid(file, file.bytes.subarray(0, -1), 'without its last byte'),
    ]),
    ...boxed.flatMap((file) => [
      cut(file, 0.3),
      cut(file, 0.7),
      invalid(file, file.bytes.subarray(0, -1), 'without its last byte'),
    ]),
    only('polyglot.gif', Buffer.from('GIF89a/*......*/=1;alert(document.domain)//;'), 'a script behind the magic of a GIF'),
    only(
      'head-only.jpg',
      Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100', 'hex'), Buffer.alloc(600)]),
      'a JPEG of zeros',
    ),
    only('rotten.png', rottenPng(), 'a PNG whose pixels do not inflate'),
    {
      name: 'fake.mp4',
      kind: 'VIDEO',
      bytes: Buffer.concat([box('ftyp', Buffer.from('isom\0\0\x02\0isommp41', 'latin1')), Buffer.alloc(600, 0x41)]),
      why: 'the first box of an MP4 in front of noise',
      code: 'INVALID_MEDIA',
    },
    ...videos
      .filter(({ mimeType }) => mimeType === 'video/webm' || mimeType === 'video/matroska')
      .map((file) =>
        invalid(
          file,
          file.bytes.subarray(0, file.bytes.indexOf(Buffer.from('1f43b675', 'hex'))),
          'cut off before its first cluster',
        ),
      ),
  ];
}

/** Small files that would decode to something enormous. */
export function bombs(): RefusedFile[] {
  const bomb = (name: string, bytes: Buffer, why: string): RefusedFile => ({
    name,
    kind: 'IMAGE',
    bytes,
    why,
    code: 'INVALID_MEDIA',
  });
  return [
    bomb('bomb.png', blankPng({ width: 30_000, height: 30_000 }), '900 million pixels'),
    bomb('bomb.gif', blankGif({ width: 2000, height: 2000, frames: 10_000 }), '10,000 frames of 2000x2000'),
    bomb('sparse.gif', blankGif({ width: 65_535, height: 65_535, frames: 1 }), 'a screen of 65535x65535 for a frame of 1x1'),
  ];
}

/** A whole, valid PNG of one colour, 1 bit a pixel: 30000x30000 are 109 KB. */
export function blankPng({ width, height }: { width: number; height: number }): Buffer {
  const header = Buffer.concat([uint32s(width, height), Buffer.from([1, 0, 0, 0, 0])]);
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))));
  return pngOf(pngChunk('IHDR', header), pngChunk('IDAT', rows), pngChunk('IEND', Buffer.alloc(0)));
}

/** A whole, valid GIF whose `frames` are 1x1 on a screen of `width` x `height`: 15 bytes a frame. */
export function blankGif({ width, height, frames }: { width: number; height: number; frames: number }): Buffer {
  const screen = Buffer.from('GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  // A descriptor at 0,0 of 1x1, then one sub-block of LZW: clear, colour 0, end.
  const frame = Buffer.from('2c0000000001000100000202440100', 'hex');
  return Buffer.concat([screen, ...Array<Buffer>(frames).fill(frame), Buffer.from([0x3b])]);
}

/** An ISO box (ISO 14496-12, 4.2). */
export function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([uint32s(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

function rottenPng(): Buffer {
  const header = Buffer.concat([uint32s(64, 64), Buffer.from([8, 2, 0, 0, 0])]);
  return pngOf(pngChunk('IHDR', header), pngChunk('IDAT', Buffer.alloc(500, 0x5a)), pngChunk('IEND', Buffer.alloc(0)));
}

function pngOf(...chunks: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks]);
}
