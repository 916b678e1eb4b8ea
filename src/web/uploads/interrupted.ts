import { signal } from '@preact/signals';

/** An upload that a reload or a crash cut off. */
export interface InterruptedUpload {
  readonly name: string;
  readonly size: number;
  readonly lastModified: number;
  readonly sentBytes: number;
}

type Known = Pick<File, 'name' | 'size' | 'lastModified'>;

const storageKey = 'mediakeep.interrupted';

/** Smaller ones are sent again as a whole: nothing is gained by asking for them. */
const worthwhileBytes = 16 * 1024 * 1024;

/** How often progress is written down, in milliseconds. */
const noteMs = 1000;

/** Remembers large uploads over a reload. A page may not open files by itself: the user chooses them again, and they go on where they were. */
export class Interrupted {
  /** Those of an earlier visit, still to be chosen again. */
  readonly uploads = signal<readonly InterruptedUpload[]>([]);
  readonly #running = new Map<string, InterruptedUpload>();
  readonly #unlock = new Map<string, () => void>();
  #notedAt = 0;

  constructor() {
    void runningElsewhere().then((running) => {
      this.uploads.value = read().filter((upload) => !running.has(lockOf(upload)));
    });
  }

  /** How far an upload is. */
  note({ name, size, lastModified }: Known, sentBytes: number): void {
    if (size < worthwhileBytes) return;
    const key = keyOf({ name, size, lastModified });
    if (!this.#running.has(key)) this.#lock(key);
    this.#running.set(key, { name, size, lastModified, sentBytes });
    if (Date.now() - this.#notedAt > noteMs) this.#write();
  }

  /** One that is over, or given up. */
  forget(file: Known): void {
    const isKnown = this.#running.delete(keyOf(file));
    this.#unlock.get(keyOf(file))?.();
    const left = this.uploads.peek().filter((each) => keyOf(each) !== keyOf(file));
    if (!isKnown && left.length === this.uploads.peek().length) return;
    this.uploads.value = left;
    this.#write();
  }

  /** Files that were chosen again are no longer missing. */
  found(files: readonly Known[]): void {
    const keys = new Set(files.map(keyOf));
    const left = this.uploads.peek().filter((each) => !keys.has(keyOf(each)));
    if (left.length < this.uploads.peek().length) this.uploads.value = left;
  }

  /** Lets go of what is on its way here: whoever signs in next, in this tab or another, may go on with it. */
  close(): void {
    this.#write();
    for (const unlock of this.#unlock.values()) unlock();
    this.#unlock.clear();
  }

  /** Tells other tabs that this one is at it; the browser takes the lock back when the tab goes. */
  #lock(key: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unlock.set(key, resolve);
    void locks()?.request(lockPrefix + key, () => promise);
  }

  #write(): void {
    this.#notedAt = Date.now();
    const all = [...this.uploads.peek(), ...this.#running.values()];
    try {
      if (all.length === 0) localStorage.removeItem(storageKey);
      else localStorage.setItem(storageKey, JSON.stringify(all));
    } catch {
      // Storage that is full or switched off costs the going on after a reload, not the upload.
    }
  }
}

const lockPrefix = 'mediakeep.upload.';

function lockOf(upload: Known): string {
  return lockPrefix + keyOf(upload);
}

/** Browsers have locks at secure addresses only; elsewhere two tabs may both offer to go on. */
function locks(): LockManager | undefined {
  return 'locks' in navigator ? navigator.locks : undefined;
}

/** What other tabs are uploading at this moment. */
async function runningElsewhere(): Promise<ReadonlySet<string | undefined>> {
  const { held = [] } = (await locks()?.query()) ?? {};
  return new Set(held.map(({ name }) => name));
}

function keyOf({ name, size, lastModified }: Known): string {
  return `${name}/${size}/${lastModified}`;
}

function read(): InterruptedUpload[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isUpload) : [];
  } catch {
    // Written by somebody else, or storage is off: there is nothing to go on with.
    return [];
  }
}

function isUpload(value: unknown): value is InterruptedUpload {
  if (typeof value !== 'object' || value === null) return false;
  const { name, size, lastModified, sentBytes } = value as Record<string, unknown>;
  return typeof name === 'string' && [size, lastModified, sentBytes].every((number) => typeof number === 'number');
}
