import type { ComponentChildren, VNode } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';

/** A button with a few links and buttons behind it: a popover of the browser, which closes by Escape and by a press elsewhere. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }): VNode {
  const id = useId();
  const list = useRef<HTMLElement>(null);
  return (
    <div class="menu">
      <button class="icon-button" type="button" popovertarget={id} aria-label={label} title={label}>
        <Icon name="menu" />
      </button>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a press on one of the things in it, by key too, closes it */}
      <nav id={id} ref={list} popover="auto" class="menu-list" aria-label={label} onClick={() => list.current?.hidePopover()}>
        {children}
      </nav>
    </div>
  );
}
