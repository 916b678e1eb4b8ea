import type { VNode } from 'preact';
import { EditsToast } from './edits-toast.tsx';
import { RemovalToast } from './removal-toast.tsx';

/** What there is to say, wherever the user is, of what they did to their library. */
export function Toasts(): VNode {
  return (
    <>
      <EditsToast />
      <RemovalToast />
    </>
  );
}
