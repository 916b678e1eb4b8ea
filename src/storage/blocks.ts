import { freeAtOnce } from '../garbage.ts';

/**
 * Bytes of one write; an upload holds at most two blocks. Larger ones were measured to save nothing more. Not a power of two, because writes that come at whole
 * multiples of their size make Linux gather the file in large folios, whose memory was dearer than the copying saved as soon as several uploads ran: 3.2
 * CPU-seconds for each GiB of four at once with 512 KiB, 2.2 with 508. (One alone: 2.1 and 2.3.)
 */
export const blockBytes = 508 * 1024;

/** Blocks that nobody has are kept for the next upload, up to 8 MiB of them: new ones all the time would be garbage that V8 collects its whole heap for. */
const mostSpare = 16;

const spare: Buffer[] = [];

/** A block of memory, with whatever it held before. */
export function takeBlock(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
}

/** Takes one back that nobody uses any more, native code included. */
export function giveBlock(block: Buffer): void {
  if (spare.length < mostSpare) spare.push(block);
  else freeAtOnce(block);
}
