import type { VNode } from 'preact';

/** The product's name with its sign. */
export function Mark(): VNode {
  return (
    <span class="mark">
      <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect class="mark-ground" width="32" height="32" rx="9" />
        <path class="mark-hill" d="M6.5 23l6.7-8.2 4.7 5.6 2.7-3.1 4.9 5.7z" />
        <circle class="mark-sun" cx="20.8" cy="11" r="2.8" />
      </svg>
      <span class="mark-name">Mediakeep</span>
    </span>
  );
}
