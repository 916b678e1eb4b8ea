import { getHeapStatistics } from 'node:v8';

/**
 * Told of bytes that have passed through this process and are garbage now. Each piece of them was a buffer outside V8's heap, whose weight V8 answers with
 * collections of the whole heap, long before it would look through its nursery, where these buffers lie. So it is told to do that, now and then: half a
 * millisecond each time. Without Node's flag `--expose-gc` it is not.
 */
export function passedBy(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < collectEveryBytes) return;
  passedBytes = 0;
  void globalThis.gc?.({ type: 'minor' });
  collectTheOld();
}

/**
 * Buffers that live a little longer, as those of an upload that is broken off, have left the nursery by then. V8 would let hundreds of MiB of them lie, and
 * the allocator gives pages back only when few are in use at a time.
 */
function collectTheOld(): void {
  const { external_memory: heldBytes } = getHeapStatistics();
  // What a collection freed is counted a moment after it: so what is left is learnt at the next occasion.
  mostHeldBytes ??= heldBytes + oldGarbageBytes;
  if (heldBytes < mostHeldBytes) return;
  mostHeldBytes = undefined;
  void globalThis.gc?.({ type: 'major' });
}

/** At every second or third upload of a large photo, at every fortieth of a small one. */
const collectEveryBytes = 4 * 1024 * 1024;

/** How much may lie about: 2,000 uploads broken off then leave 22 MiB of resident memory instead of 80 to 250 (docs/decisions/0010). */
const oldGarbageBytes = 24 * 1024 * 1024;

// The heap is the process's, so its account is too.
let passedBytes = 0;
let mostHeldBytes: number | undefined = oldGarbageBytes;
