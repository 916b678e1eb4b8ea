import { createCipheriv } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Bytes that look random and are the same at every call with the same arguments. */
export function bytesOf(sizeBytes: number, seed = 0): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

/** A stream of `bytes` in chunks of `chunkBytes`, which pauses `pauseMs` before each. */
export function streamOf(bytes: Buffer, { chunkBytes = 64 * 1024, pauseMs = 0 } = {}): Readable {
  return sourceThat(bytes, { chunkBytes, pauseMs }, (source) => source.push(null));
}

/** A stream that gives all of `bytes` and then fails. */
export function failingAfter(bytes: Buffer, error: Error): Readable {
  return sourceThat(bytes, { chunkBytes: 64 * 1024, pauseMs: 0 }, (source) => source.destroy(error));
}

/** A stream that gives all of `bytes` and then neither ends nor fails. `given` resolves when the last of them has been asked for. */
export function stallingAfter(bytes: Buffer): { source: Readable; given: Promise<void>; goOn: () => void } {
  const { promise: given, resolve } = Promise.withResolvers<void>();
  const source = sourceThat(bytes, { chunkBytes: 64 * 1024, pauseMs: 0 }, () => resolve());
  return { source, given, goOn: () => source.push(null) };
}

/** A stream of `sizeBytes` that takes no memory of its own: the same chunk over and over. `onChunk` is called before each. */
export function endlessChunk(sizeBytes: number, onChunk: () => void): Readable {
  const chunk = bytesOf(64 * 1024);
  let leftBytes = sizeBytes;
  return new Readable({
    read() {
      onChunk();
      this.push(leftBytes > 0 ? chunk.subarray(0, Math.min(leftBytes, chunk.length)) : null);
      leftBytes -= chunk.length;
    },
  });
}

function sourceThat(
  bytes: Buffer,
  { chunkBytes, pauseMs }: { chunkBytes: number; pauseMs: number },
  afterAll: (source: Readable) => void,
): Readable {
  let position = 0;
  const next = (source: Readable): void => {
    const chunk = bytes.subarray(position, position + chunkBytes);
    position += chunk.length;
    if (chunk.length > 0) source.push(chunk);
    else afterAll(source);
  };
  return new Readable({
    read() {
      if (pauseMs === 0) next(this);
      else void pause(pauseMs).then(() => next(this));
    },
  });
}
