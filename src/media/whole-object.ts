import { MediakeepError } from '../errors.ts';
import type { ObjectStorage } from './ports.ts';

/** What lies under a key is not what was stored there, or seen there before. */
export class OtherObject extends MediakeepError {
  constructor() {
    super('STORAGE_UNAVAILABLE', 'The file is not the one that was stored. Please try again later.');
  }
}

/**
 * All of an object, read into one buffer of its own. `buffer()` of node:stream/consumers takes the way through a Blob, whose memory V8 knows nothing of: it lies
 * there, as large as the object, until a collection comes for another reason. `sizeBytes` is the object's size; rejects with {@link OtherObject} when it has another.
 */
export async function wholeObject(
  storage: ObjectStorage,
  key: string,
  { sizeBytes, signal }: { sizeBytes: number; signal: AbortSignal },
): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(sizeBytes);
  let receivedBytes = 0;
  const see = (piece: Buffer): void => {
    piece.copy(whole, receivedBytes);
    receivedBytes += piece.length;
    if (receivedBytes > sizeBytes) throw new OtherObject();
  };
  await storage.scan(key, see, signal);
  if (receivedBytes !== sizeBytes) throw new OtherObject();
  return whole;
}
