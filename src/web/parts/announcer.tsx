import { signal } from '@preact/signals';
import type { VNode } from 'preact';

/** What is said to those who do not see the page change. */
export class Announcer {
  readonly text = signal('');

  say(text: string): void {
    // The same words twice are said twice: a changed text is what makes a screen reader speak.
    this.text.value = text === this.text.peek() ? `${text}\u00a0` : text;
  }
}

/** Where it is said; one for the page. */
export function Announcements({ announcer }: { announcer: Announcer }): VNode {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {announcer.text}
    </div>
  );
}
