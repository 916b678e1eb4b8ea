import type { MediaLibrary } from '../media/library.ts';
import type { Authenticate } from '../media/ports.ts';

/** What the REST door is wired with. */
export interface RestOptions {
  readonly library: MediaLibrary;
  readonly authenticate: Authenticate;
  /** PUBLIC_URL without a trailing slash; a function, because a server on a free port learns it late. */
  readonly baseUrl: () => string;
  /** Whether pages of this origin may send to us; by default none. */
  readonly allowsOrigin?: (origin: string) => boolean;
}
