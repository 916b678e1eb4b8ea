import { fileTypeFromBuffer } from 'file-type';

/**
 * Types that are one of ours under another name: an animated PNG is a PNG, and Apple's M4V is an MP4 by its boxes.
 * (file-type tells them apart by a chunk or a brand; browsers and tools declare them.)
 */
const aliases: Readonly<Record<string, string>> = {
  'image/apng': 'image/png',
  'image/jpg': 'image/jpeg',
  'video/x-m4v': 'video/mp4',
  'video/x-matroska': 'video/matroska',
};

/** A declared type by the name we know it by: lower case, without parameters (a recorder says `video/webm;codecs=vp9`). */
export function plainType(declared: string): string {
  const type = declared.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return aliases[type] ?? type;
}

/**
 * The type a file's first bytes show, or undefined when they show none we could name. The name and the declared type have no say.
 * Give it up to `headBytes` (policy.ts) from the beginning.
 */
export async function sniff(head: Uint8Array): Promise<string | undefined> {
  const found = await fileTypeFromBuffer(head);
  if (found === undefined) return undefined;
  return aliases[found.mime] ?? found.mime;
}
