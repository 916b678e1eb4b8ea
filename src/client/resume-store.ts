/**
 * Keeps short texts by key, so that uploads survive a reload or a crash. The texts hold the right to write to an upload that is not complete
 * (never to read): keep them where only the user's own pages can read them. When it throws or rejects, such as a store that is full, the upload
 * goes on, but cannot be resumed.
 */
export interface ResumeStore {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

/** What is used of the Web Storage API. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A store in the browser: `webStorage(localStorage)`. */
export function webStorage(storage: WebStorage): ResumeStore {
  return {
    get: (key) => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value),
    delete: (key) => storage.removeItem(key),
  };
}
