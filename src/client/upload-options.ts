import { MediakeepError } from './errors.ts';
import { nameOf } from './form.ts';
import type { MediaKind } from './generated.ts';
import type { ResumeStore } from './resume-store.ts';
import type { RetryOptions } from './retry.ts';

/** How far an upload is. */
export interface UploadProgress {
  /** Bytes of the file that have been sent. Never less than it was; at last the total. */
  readonly sentBytes: number;
  readonly totalBytes: number;
  /** `finishing` when all is sent, and the server looks whether it is whole. */
  readonly phase: 'sending' | 'finishing';
}

/** What can be said of a file while it is uploaded. */
export interface Description {
  readonly title?: string | null | undefined;
  readonly altText?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
}

/** How a file is uploaded. */
export interface UploadOptions extends Description {
  /** Default: by the file's type or, without one, its name. */
  readonly kind?: MediaKind | undefined;
  /** Default: the file's own name. */
  readonly filename?: string | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  /** Cancels: the promise rejects with the signal's reason, and nothing of the upload stays on the server. A session with `resume` it pauses. */
  readonly signal?: AbortSignal | undefined;
  /** Keeps what is needed to go on with an interrupted session upload, also after a reload: upload the same file with the same store. */
  readonly resume?: ResumeStore | undefined;
  /** `multipart` sends one request, `session` chunks that can be resumed. Default `auto`: sessions from `sessionThresholdBytes` on. */
  readonly via?: 'auto' | 'multipart' | 'session' | undefined;
  /** Default 16 MiB. */
  readonly sessionThresholdBytes?: number | undefined;
  /** How patiently, if other than the client's other requests. */
  readonly retry?: RetryOptions | undefined;
}

/** What is uploaded, with everything decided that the caller left open. */
export interface Upload extends UploadOptions {
  readonly file: Blob;
  readonly kind: MediaKind;
  readonly filename: string;
}

/** Decides what the caller left open. UNSUPPORTED_MEDIA_TYPE when neither type nor name tells what the file is. */
export function uploadOf(file: Blob, options: UploadOptions): Upload {
  const filename = options.filename ?? nameOf(file);
  return { ...options, file, filename, kind: options.kind ?? kindOf(file.type, filename) };
}

/** From here on uploads go by sessions: enough that a chunk more or less does not matter, well below what platforms let through in one request (Cloud Run: 32 MB). */
const defaultThresholdBytes = 16 * 1024 * 1024;

/** Whether an upload goes by a session. */
export function isLarge({ file, via = 'auto', sessionThresholdBytes = defaultThresholdBytes }: Upload): boolean {
  return via === 'auto' ? file.size >= sessionThresholdBytes : via === 'session';
}

function kindOf(type: string, filename: string): MediaKind {
  const isOf = (kind: string, extensions: RegExp): boolean =>
    type.startsWith(`${kind}/`) || ((type === '' || type === 'application/octet-stream') && extensions.test(filename));
  if (isOf('image', /\.(jpe?g|png|webp|gif|avif)$/i)) return 'IMAGE';
  if (isOf('video', /\.(mp4|m4v|mov|webm|mkv)$/i)) return 'VIDEO';
  throw new MediakeepError('This is neither an image nor a video.', { code: 'UNSUPPORTED_MEDIA_TYPE' });
}

/** Tells of progress, and never of less than before. */
export class Meter {
  readonly totalBytes: number;
  readonly #tell: ((progress: UploadProgress) => void) | undefined;
  #sentBytes = -1;
  #isFinishing = false;

  constructor(totalBytes: number, tell: ((progress: UploadProgress) => void) | undefined) {
    this.totalBytes = totalBytes;
    this.#tell = tell;
    this.sent(0);
  }

  /** So much has been sent, for the first time or again. */
  sent(bytes: number): void {
    if (bytes <= this.#sentBytes || this.#isFinishing) return;
    this.#sentBytes = bytes;
    if (bytes < this.totalBytes) this.#tell?.({ sentBytes: bytes, totalBytes: this.totalBytes, phase: 'sending' });
    else this.finishing();
  }

  /** All has been sent. */
  finishing(): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#tell?.({ sentBytes: this.totalBytes, totalBytes: this.totalBytes, phase: 'finishing' });
  }
}
