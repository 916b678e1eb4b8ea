import { randomBytes } from 'node:crypto';
import { HttpFailure } from './reply.ts';
import { type SessionStart, UploadSession } from './session.ts';

/** The upload sessions of one emulator, ended ones too: those still have something to answer. */
export class SessionTable {
  readonly #sessions = new Map<string, UploadSession>();
  readonly #keepBytes: boolean;

  constructor(keepBytes: boolean) {
    this.#keepBytes = keepBytes;
  }

  open(start: Omit<SessionStart, 'uploadId'>): UploadSession {
    const uploadId = randomBytes(24).toString('base64url');
    const session = new UploadSession({ ...start, uploadId }, this.#keepBytes);
    this.#sessions.set(uploadId, session);
    return session;
  }

  /** The session, whatever its state; 404 for an id that was never handed out for this bucket. */
  get(bucket: string, uploadId: string): UploadSession {
    const session = this.#sessions.get(uploadId);
    if (session !== undefined && session.start.bucket === bucket) return session;
    throw new HttpFailure(404, 'notFound', 'Upload session not found.', { dialect: 'text' });
  }

  find(uploadId: string): UploadSession | undefined {
    return this.#sessions.get(uploadId);
  }

  /** Sessions that neither finished nor ended: what an adapter left open. */
  live(): UploadSession[] {
    return [...this.#sessions.values()].filter((session) => session.state === 'live');
  }

  clear(): void {
    this.#sessions.clear();
  }
}
