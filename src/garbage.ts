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
}

/**
 * Told of bytes of a request that was broken off. What was under way lives on while the upload is tidied away, and has left the nursery by then. V8 would let
 * hundreds of MiB of it lie, and the allocator gives pages back only when few are in use at a time. So the whole heap is collected now and then.
 */
export function brokenOff(bytes: number): void {
  brokenOffBytes += bytes;
  if (brokenOffBytes < collectAllEveryBytes) return;
  brokenOffBytes = 0;
  void globalThis.gc?.({ type: 'major' });
}

/**
 * Frees the memory of a buffer that has it to itself; one that shares it, as small ones do, is left to V8. Nobody may use it any more, native code that was given
 * it included. The buffer is empty then.
 */
export function freeAtOnce(bytes: Buffer<ArrayBufferLike>): void {
  const { buffer } = bytes;
  if ('transfer' in buffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0);
}

const collectEveryBytes = 4 * 1024 * 1024;

/** Costs some 40 ms each time. 2,000 uploads broken off then leave 22 MiB of resident memory instead of 80 to 250 (docs/decisions/0010). */
const collectAllEveryBytes = 24 * 1024 * 1024;

// The heap is the process's, so its account is too.
let passedBytes = 0;
let brokenOffBytes = 0;
