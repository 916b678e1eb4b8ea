import { readFile } from 'node:fs/promises';
import type { ErrorCode } from '../../../src/errors.ts';
import type { MediaKind } from '../../../src/media/media-asset.ts';

/** A whole file that must be accepted, and what must be found in it. */
export interface SampleFile {
  readonly name: string;
  readonly kind: MediaKind;
  /** What its bytes say, as sniffing names it. */
  readonly mimeType: string;
  readonly bytes: Buffer;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** Images only. */
  readonly animated?: boolean;
  /** Videos only, as are the fields below. */
  readonly durationSeconds?: number;
  readonly videoCodec?: string;
  /** Null when the video is silent. */
  readonly audioCodec?: string | null;
  readonly frameRate?: number;
}

/** A file that must be refused when it is uploaded as `kind`. */
export interface RefusedFile {
  readonly name: string;
  readonly kind: MediaKind;
  readonly bytes: Buffer;
  readonly code: ErrorCode;
  /** What is wrong with it, for the reader of a failing test. */
  readonly why: string;
}

/** A file of test/samples. */
export async function sample(name: string): Promise<Buffer> {
  return await readFile(new URL(`../../samples/${name}`, import.meta.url));
}
