import { useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Toasts } from '../library/toasts.tsx';
import { Icon } from '../parts/icons.tsx';
import type { Asset } from '../sdk.ts';
import { useTools } from '../tools.ts';
import { Editor } from './editor.tsx';
import { Facts } from './facts.tsx';
import { Links } from './links.tsx';
import { Preview } from './preview.tsx';
import { Snippets } from './snippets.tsx';

/** What is known of one asset, large, over the gallery; arrows lead to its neighbours. */
export function Details(): VNode | null {
  const { route } = useTools();
  const id = route.open.value;
  return id === undefined ? null : <DetailsDialog id={id} />;
}

function DetailsDialog({ id }: { id: string }): VNode {
  const { route, library, removal } = useTools();
  const dialog = useRef<HTMLDialogElement>(null);
  const { asset, problem } = useAsset(id);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  // What had the focus may be gone with the asset or the toast; the keys would go to the page below.
  useEffect(() => {
    if (document.activeElement === document.body) dialog.current?.focus();
  });

  const shown = library.shown.value;
  const at = shown.findIndex((each) => each.id === id);
  const [previous, next] = at === -1 ? [] : [shown[at - 1]?.id, shown[at + 1]?.id];
  // Near the end of what is loaded, what comes next is fetched.
  useEffect(() => {
    if (at > shown.length - 10) library.loadMore();
  }, [at, shown.length, library]);

  const turn = (to: string | undefined): void => {
    if (to !== undefined) route.show(to);
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDialogElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || usesArrows(event.target)) return;
    if (event.key === 'ArrowLeft') turn(previous);
    if (event.key === 'ArrowRight') turn(next);
  };
  const remove = (): void => {
    removal.remove([id]);
    const to = next ?? previous;
    if (to === undefined) route.close();
    else turn(to);
  };

  const name = asset === undefined ? 'Details' : (asset.title ?? asset.filename);
  return (
    <dialog
      ref={dialog}
      class="details"
      tabIndex={-1}
      aria-label={name}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        route.close();
      }}
      onClose={() => route.close()}
    >
      <div class="details-stage">
        <div class="details-bar">
          <button class="icon-button" type="button" aria-label="Close details" title="Close" onClick={() => route.close()}>
            <Icon name="close" />
          </button>
          {at !== -1 && (
            <p class="details-place">
              {at + 1} of {library.total.value ?? shown.length}
            </p>
          )}
          <TurnButton label="Previous" icon="chevronLeft" to={previous} onTurn={turn} />
          <TurnButton label="Next" icon="chevronRight" to={next} onTurn={turn} />
        </div>
        {asset === undefined ? <p class="details-wait">{problem ?? 'Loading…'}</p> : <Preview key={id} asset={asset} />}
      </div>
      {asset !== undefined && (
        <div class="details-panel" key={id}>
          <h2 class="details-title">{name}</h2>
          <Editor asset={asset} />
          <Links asset={asset} />
          <Snippets asset={asset} />
          <Facts asset={asset} />
          <button class="button is-danger" type="button" onClick={remove}>
            <Icon name="trash" /> Delete
          </button>
        </div>
      )}
      <div class="corner">
        <Toasts />
      </div>
    </dialog>
  );
}

interface TurnProps {
  readonly label: string;
  readonly icon: 'chevronLeft' | 'chevronRight';
  readonly to: string | undefined;
  readonly onTurn: (to: string | undefined) => void;
}

function TurnButton({ label, icon, to, onTurn }: TurnProps): VNode {
  return (
    <button
      class="icon-button"
      type="button"
      aria-label={label}
      title={label}
      // A disabled one would lose the focus at the last asset.
      aria-disabled={to === undefined}
      onClick={() => onTurn(to)}
    >
      <Icon name={icon} />
    </button>
  );
}

const nothingHere = 'There is nothing here any more: it was deleted, or belongs to somebody else.';

/** The asset as the library has it, or else as the server says. */
function useAsset(id: string): { asset: Asset | undefined; problem: string | undefined } {
  const { library, client, session, edits } = useTools();
  const fetched = useSignal<Asset | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const known = library.byId.value.get(id);
  const isKnown = known !== undefined;
  useEffect(() => {
    problem.value = undefined;
    if (isKnown) return;
    const controller = new AbortController();
    client.media(id, { signal: controller.signal }).then(
      (asset) => {
        if (asset === null) problem.value = nothingHere;
        else fetched.value = asset;
      },
      (error: unknown) => {
        if (!controller.signal.aborted) problem.value = session.explain(error).message;
      },
    );
    return () => controller.abort();
  }, [id, isKnown, client, session, fetched, problem]);
  if (edits.gone.value.has(id)) return { asset: undefined, problem: nothingHere };
  return { asset: known ?? (fetched.value?.id === id ? fetched.value : undefined), problem: problem.value };
}

/** Where the arrow keys belong to what has the focus. */
function usesArrows(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, video, [role=tab]');
}
