import { fileTypeFromBuffer } from 'file-type';

/**
 * Container types that are one of ours under another name: an animated PNG is a PNG, and Apple's M4V is an MP4 by its boxes.
 * (file-type tells them apart by a chunk or a brand.)
 */
const aliases: Readonly<Record<string, string>> = {
  'image/apng': 'image/png',
  'video/x-m4v': 'video/mp4',
  'video/x-matroska': 'video/matroska',
};

/**
 * The type a file's first bytes show, or undefined when they show none we could name. The name and the declared type have no say.
 * Give it up to `headBytes` (policy.ts) from the beginning.
 */
export async function sniff(head: Uint8Array): Promise<string | undefined> {
  const found = await fileTypeFromBuffer(head);
  if (found === undefined) return undefined;
  return aliases[found.mime] ?? found.mime;
}
