import type { Authority } from './authority.ts';
import type { FaultScript } from './faults.ts';
import type { SessionTable } from './session-table.ts';
import type { Store } from './store.ts';

/** What every handler works on: one emulator's state. */
export type Emulated = {
  readonly url: string;
  readonly store: Store;
  readonly sessions: SessionTable;
  readonly faults: FaultScript;
  readonly authority: Authority;
  readonly settings: EmulatorSettings;
};

/** Switches fixed at the start; `GcsEmulatorOptions` says what they mean. */
export type EmulatorSettings = {
  readonly requireAuth: boolean;
  readonly keepBytes: boolean;
  readonly listPageLimit: number;
  readonly checkPreconditionsAtStart: boolean;
  readonly now: () => number;
};
