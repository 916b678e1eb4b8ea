import { sharp } from './sharp.ts';

/** The image types whose decoders this installation of libvips has. */
export function decodableTypes(): string[] {
  const { jpeg, png, webp, gif, heif } = sharp.format;
  const decoders: [string, typeof jpeg | undefined][] = [
    ['image/jpeg', jpeg],
    ['image/png', png],
    ['image/webp', webp],
    ['image/gif', gif],
    ['image/avif', heif],
  ];
  return decoders.filter(([, format]) => format?.input.buffer === true).map(([type]) => type);
}
