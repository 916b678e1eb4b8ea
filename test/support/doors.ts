/** An asset as either door gives it: the same names on both. */
export interface WireAsset {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly filename: string;
  readonly mimeType: string;
  readonly size: number;
  readonly sha256: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly title: string | null;
  readonly altText: string | null;
  readonly tags: readonly string[];
  readonly url: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly animated?: boolean;
  readonly hasAlpha?: boolean;
  readonly placeholder?: string;
  readonly dominantColor?: string | null;
  readonly focus?: { readonly x: number; readonly y: number } | null;
  readonly duration?: number | null;
  readonly videoCodec?: string | null;
  readonly audioCodec?: string | null;
  readonly frameRate?: number | null;
}

export interface WirePage {
  readonly items: readonly WireAsset[];
  readonly nextCursor: string | null;
  readonly totalCount: number;
}

export interface ListArguments {
  readonly first?: number;
  readonly after?: string;
  readonly kind?: 'IMAGE' | 'VIDEO';
  readonly status?: 'PROCESSING' | 'READY' | 'FAILED';
  readonly tag?: string;
  readonly search?: string;
}

export interface FileToSend {
  readonly kind: 'IMAGE' | 'VIDEO';
  readonly name: string;
  readonly bytes: Buffer;
  /** What the client claims; the server does not believe it. */
  readonly declaredType?: string;
}

export interface Described {
  readonly title?: string | null;
  readonly altText?: string | null;
  readonly tags?: readonly string[] | null;
}

export interface Change extends Described {
  readonly focus?: { readonly x: number; readonly y: number } | null;
}

/** A failure as a client meets it, whichever the door. */
export class DoorError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfter: string | null;

  constructor(failure: { code: string; status: number; message: string; retryAfter: string | null }) {
    super(failure.message);
    this.code = failure.code;
    this.status = failure.status;
    this.retryAfter = failure.retryAfter;
  }
}

/** One client of the server, signed in with `token` (or not, when it is undefined). */
export interface Door {
  upload(file: FileToSend, described?: Described): Promise<WireAsset>;
  list(query?: ListArguments): Promise<WirePage>;
  get(id: string): Promise<WireAsset | null>;
  update(id: string, change: Change): Promise<WireAsset>;
  /** True when the bytes are gone too. */
  remove(id: string): Promise<boolean>;
}

export type OpenDoor = (server: { url: string }, token: string | undefined) => Door;
