import type { ObjectStorage } from './ports.ts';

/**
 * All of an object, read into one buffer of its own. `buffer()` of node:stream/consumers takes the way through a Blob, whose memory V8 knows nothing of: it lies
 * there, as large as the object, until a collection comes for another reason. `sizeBytes` is the object's size.
 */
export async function wholeObject(
  storage: ObjectStorage,
  key: string,
  { sizeBytes, signal }: { sizeBytes: number; signal: AbortSignal },
): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  await storage.scan(key, (piece) => (at += piece.copy(whole, at)), signal);
  return whole.subarray(0, at);
}
