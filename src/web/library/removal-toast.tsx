import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { useTools } from '../tools.ts';
import { counted } from '../words.ts';
import { undoMs } from './removal.ts';

/** What was just deleted, with a moment to undo. The moment lasts as long as somebody is at the button. */
export function RemovalToast(): VNode | null {
  const { removal } = useTools();
  const count = removal.count.value;
  const problem = removal.problem.value;
  if (count === 0 && problem === '') return null;
  if (count === 0) {
    return (
      <div class="toast is-bad" role="alert">
        <p>{problem}</p>
        <button
          class="button is-quiet"
          type="button"
          onClick={() => {
            removal.problem.value = '';
          }}
        >
          Close
        </button>
      </div>
    );
  }
  return <Undoing count={count} />;
}

function Undoing({ count }: { count: number }): VNode {
  const { removal } = useTools();
  // What goes away under the pointer or with the focus in it is never told that they left.
  useEffect(() => () => removal.hold(false), [removal]);
  return (
    <section
      class="toast"
      aria-label="Just deleted"
      onPointerEnter={() => removal.hold(true)}
      onPointerLeave={() => removal.hold(false)}
      onFocusIn={() => removal.hold(true)}
      onFocusOut={() => removal.hold(false)}
    >
      <p>{counted(count, 'item')} deleted</p>
      <button class="button is-quiet" type="button" aria-keyshortcuts="Control+Z" onClick={() => removal.undo()}>
        Undo
      </button>
      <span
        class={`toast-clock ${removal.isHeld.value ? 'is-held' : ''}`}
        style={{ animationDuration: `${undoMs}ms` }}
        key={count}
      />
    </section>
  );
}
