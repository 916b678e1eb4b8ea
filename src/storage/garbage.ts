/**
 * Told of bytes that have passed through and are garbage now. Each piece of them was a buffer outside V8's heap, whose weight V8 answers with collections of the
 * whole heap, long before it would look through its nursery, where these buffers lie. So it is told to do that, now and then: half a millisecond each time.
 * Without Node's flag `--expose-gc` it is not.
 */
export function passedBy(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < collectEveryBytes) return;
  passedBytes = 0;
  void globalThis.gc?.({ type: 'minor' });
}

let passedBytes = 0;

const collectEveryBytes = 4 * 1024 * 1024;
