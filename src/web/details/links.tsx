import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useId } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icons.tsx';
import { type Asset, MediaLinkDocument } from '../sdk.ts';
import { useTools } from '../tools.ts';

/** How long a link lives, in seconds; the first is that of the links that come with every asset. */
const lifetimes = [
  { seconds: 3600, words: 'an hour' },
  { seconds: 86_400, words: 'a day' },
  { seconds: 604_800, words: 'a week' },
];

/** A link to the original, for whoever is given it, that lives as long as the user wants. */
export function Links({ asset }: { asset: Asset }): VNode {
  const { client, session } = useTools();
  const id = useId();
  const seconds = useSignal(3600);
  const longer = useSignal<string | undefined>(undefined);
  const problem = useSignal('');
  const url = longer.value ?? asset.url;

  const choose = async (expiresIn: number): Promise<void> => {
    seconds.value = expiresIn;
    problem.value = '';
    longer.value = undefined;
    if (expiresIn === 3600) return;
    try {
      const { media } = await client.request(MediaLinkDocument, { id: asset.id, expiresIn });
      // Another may have been chosen since.
      if (seconds.peek() === expiresIn) longer.value = media?.url;
    } catch (error) {
      seconds.value = 3600;
      problem.value = session.explain(error).message;
    }
  };

  return (
    <section class="details-section">
      <h3>Link</h3>
      <div class="link-row">
        <input
          class="input is-code"
          aria-label="Link to the original"
          readOnly
          value={url}
          onFocus={(event) => event.currentTarget.select()}
        />
        <CopyButton text={url} label="link" />
        <a
          class="icon-button is-small"
          href={url}
          target="_blank"
          rel="noreferrer"
          aria-label="Open the original in a new tab"
          title="Open in a new tab"
        >
          <Icon name="open" size={18} />
        </a>
      </div>
      <div class="link-life">
        <label for={id}>Shows the original to whoever has it, for</label>
        <select id={id} class="select" value={seconds} onChange={(event) => void choose(Number(event.currentTarget.value))}>
          {lifetimes.map((each) => (
            <option key={each.seconds} value={each.seconds}>
              {each.words}
            </option>
          ))}
        </select>
      </div>
      {problem.value !== '' && (
        <p class="field-hint" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
