import type { VNode } from 'preact';
import { useId } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icons.tsx';
import type { Asset } from '../sdk.ts';

/** Links to the bytes, for whoever is given one. */
export function Links({ asset }: { asset: Asset }): VNode {
  const id = useId();
  return (
    <section class="details-section">
      <h3>Link</h3>
      <div class="link-row">
        <input
          class="input is-code"
          id={id}
          aria-label="Link to the original"
          readOnly
          value={asset.url}
          onFocus={(event) => event.currentTarget.select()}
        />
        <CopyButton text={asset.url} label="link" />
        <a
          class="icon-button is-small"
          href={asset.url}
          target="_blank"
          rel="noreferrer"
          aria-label="Open the original in a new tab"
          title="Open"
        >
          <Icon name="download" size={18} />
        </a>
      </div>
      <p class="field-hint">Shows the original to whoever has it, for an hour or a little longer.</p>
    </section>
  );
}
