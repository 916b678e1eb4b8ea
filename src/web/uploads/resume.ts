import type { ResumeStore } from '../sdk.ts';

/** Where sessions are remembered over a reload. Storage that is full or switched off costs the going on after one, not the upload. */
export const resume: ResumeStore = {
  get: (key) => attempt(() => localStorage.getItem(key)),
  set: (key, value) => attempt(() => localStorage.setItem(key, value)),
  delete: (key) => attempt(() => localStorage.removeItem(key)),
};

function attempt<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
