import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';
import { filesIn, hasFiles, pastedFiles } from './files.ts';

/** Takes files that are dropped anywhere on the page, or pasted. */
export function Dropping(): VNode | null {
  const { queue, session, route } = useTools();
  const isOver = useSignal(false);
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      isOver.value = true;
    };
    const leave = (event: DragEvent): void => {
      // Moving from one element to another is also leaving; only out of the window there is nothing it goes to.
      if (event.relatedTarget === null) isOver.value = false;
    };
    const drop = (event: DragEvent): void => {
      isOver.value = false;
      if (event.dataTransfer === null || !hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      route.close();
      filesIn(event.dataTransfer).then(
        (files) => queue.add(files),
        (error: unknown) => session.explain(error),
      );
    };
    const paste = (event: ClipboardEvent): void => {
      const files = event.clipboardData === null ? [] : pastedFiles(event.clipboardData, new Date());
      if (files.length === 0) return;
      event.preventDefault();
      queue.add(files);
    };
    addEventListener('dragenter', over);
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      removeEventListener('dragenter', over);
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  }, [queue, session, route, isOver]);
  if (!isOver.value) return null;
  return (
    <div class="drop" aria-hidden="true">
      <div class="drop-card">
        <Icon name="upload" size={32} />
        <p>Drop to upload</p>
      </div>
    </div>
  );
}
