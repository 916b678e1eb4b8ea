import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Selection } from './gallery/selection.ts';
import type { Edits } from './library/edits.ts';
import type { Library } from './library/library.ts';
import type { Removal } from './library/removal.ts';
import type { Announcer } from './parts/announcer.tsx';
import type { Route } from './route.ts';
import type { MediakeepClient } from './sdk.ts';
import type { Session } from './session.ts';
import type { Interrupted } from './uploads/interrupted.ts';
import type { UploadQueue } from './uploads/queue.ts';

/** What every part of a signed-in user's page may use. */
export interface Tools {
  readonly session: Session;
  readonly client: MediakeepClient;
  readonly library: Library;
  readonly edits: Edits;
  readonly selection: Selection;
  readonly removal: Removal;
  readonly queue: UploadQueue;
  readonly interrupted: Interrupted;
  readonly announcer: Announcer;
  readonly route: Route;
}

export const ToolsContext = createContext<Tools | undefined>(undefined);

/** The tools of the page; only below {@link ToolsContext}. */
export function useTools(): Tools {
  const tools = useContext(ToolsContext);
  if (tools === undefined) throw new Error('There are no tools here: somebody has to be signed in.');
  return tools;
}
