import { useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent, VNode } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import type { Asset } from '../sdk.ts';
import { useTools } from '../tools.ts';
import { snippetsOf } from './snippet-texts.ts';

/** Ready pieces of text as tabs: arrows lead from one to the other. */
export function Snippets({ asset }: { asset: Asset }): VNode {
  const { session } = useTools();
  const id = useId();
  const tabs = useRef<HTMLDivElement>(null);
  const at = useSignal(0);
  const snippets = snippetsOf(asset, session.url);
  const chosen = snippets[at.value];
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLElement>): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    at.value = (at.value + step + snippets.length) % snippets.length;
    tabs.current?.querySelectorAll<HTMLElement>('[role=tab]')[at.value]?.focus();
  };
  return (
    <section class="details-section">
      <h3 id={`${id}-title`}>Use it</h3>
      <div class="tabs" role="tablist" aria-labelledby={`${id}-title`} ref={tabs}>
        {snippets.map(({ name }, index) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="tab"
            id={`${id}-tab-${index}`}
            aria-selected={index === at.value}
            aria-controls={`${id}-text`}
            tabIndex={index === at.value ? 0 : -1}
            onClick={() => {
              at.value = index;
            }}
            onKeyDown={onKeyDown}
          >
            {name}
          </button>
        ))}
      </div>
      {chosen !== undefined && (
        <div class="snippet" role="tabpanel" id={`${id}-text`} aria-labelledby={`${id}-tab-${at.value}`}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by key (axe: scrollable-region-focusable) */}
          <pre tabIndex={0}>{chosen.text}</pre>
          <CopyButton text={chosen.text} label={`${chosen.name} snippet`} />
        </div>
      )}
    </section>
  );
}
