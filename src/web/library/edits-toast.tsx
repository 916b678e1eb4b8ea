import type { VNode } from 'preact';
import { useTools } from '../tools.ts';

/** What the user wrote and the server does not have. The details that are open tell it of their own asset. */
export function EditsToast(): VNode | null {
  const { edits, route } = useTools();
  const failed = edits.failed.value.filter((id) => id !== route.open.value);
  const notice = edits.notice.value;
  const close = (): void => {
    edits.notice.value = '';
  };
  return (
    <>
      {notice !== '' && (
        <div class="toast is-bad" role="alert">
          <p>{notice}</p>
          <button class="button is-quiet" type="button" onClick={close}>
            Close
          </button>
        </div>
      )}
      {failed.length > 0 && <Unsaved ids={failed} />}
    </>
  );
}

function Unsaved({ ids: [first = '', ...others] }: { ids: readonly string[] }): VNode {
  const { edits, library } = useTools();
  const asset = library.byId.value.get(first);
  const name = asset === undefined ? 'an item' : `“${asset.title ?? asset.filename}”`;
  return (
    <div class="toast is-bad" role="alert">
      <p>
        Not saved: what you changed of {others.length === 0 ? name : `${others.length + 1} items`}. {edits.of(first)?.problem}
      </p>
      <span>
        <button class="button is-quiet" type="button" onClick={() => edits.saveAll()}>
          Try again
        </button>
        <button class="button is-quiet" type="button" onClick={() => edits.discardAll()}>
          Discard
        </button>
      </span>
    </div>
  );
}
