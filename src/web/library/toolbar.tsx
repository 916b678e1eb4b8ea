import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';
import { counted } from '../words.ts';
import type { Filter } from './library.ts';

/** What is shown of the library; while something is selected, what can be done with it. */
export function Toolbar(): VNode {
  const { selection } = useTools();
  const tags = useTags();
  return selection.isOn.value ? <SelectionBar /> : <FilterBar {...tags} />;
}

/** What a library can be narrowed to, as far as is known. */
interface Tags {
  readonly tags: readonly string[];
  /** Whether there can be no other. */
  readonly areAll: boolean;
}

/** Tags of what is loaded, and then those seen before: what a search finds need not have any. */
function useTags(): Tags {
  const { library } = useTools();
  const seen = useRef<readonly string[]>([]);
  const loaded = library.tags.value;
  const areAll =
    !library.isNarrowed.value && library.phase.value === 'idle' && library.shown.value.length === library.total.value;
  const tags = areAll ? loaded : [...new Set([...loaded, ...seen.current])];
  useEffect(() => {
    seen.current = tags;
  });
  return { tags, areAll };
}

function FilterBar({ tags: known, areAll }: Tags): VNode {
  const { library, selection } = useTools();
  const { kind, status, tag } = library.filter.value;
  const phase = library.phase.value;
  // While the first page is on its way, or could not be had, the number is that of another filter.
  const total = phase === 'loading' || phase === 'failed' ? undefined : library.total.value;
  const tags = tag === undefined || known.includes(tag) ? known : [tag, ...known];
  return (
    <section class="toolbar" aria-label="Filter">
      <fieldset class="segments">
        <legend class="unseen">Kind</legend>
        {kinds.map(({ value, label }) => (
          <label key={label} class="segment">
            <input type="radio" name="kind" checked={kind === value} onChange={() => library.narrow({ kind: value })} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <select
        class={`select ${status === undefined ? '' : 'is-set'}`}
        aria-label="Status"
        value={status ?? ''}
        onChange={(event) => library.narrow({ status: statusOf(event.currentTarget.value) })}
      >
        <option value="">Any status</option>
        <option value="READY">Ready</option>
        <option value="PROCESSING">In work</option>
        <option value="FAILED">Failed</option>
      </select>
      <select
        class={`select ${tag === undefined ? '' : 'is-set'}`}
        aria-label="Tag"
        value={tag ?? ''}
        disabled={tags.length === 0}
        onChange={(event) => library.narrow({ tag: event.currentTarget.value || undefined })}
      >
        <option value="">{tags.length === 0 && areAll ? 'No tags yet' : 'Any tag'}</option>
        {tags.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
      <p class="total" aria-live="polite">
        {total === undefined ? '' : counted(total, 'item')}
      </p>
      <button class="button is-quiet is-small" type="button" disabled={!total} onClick={() => selection.begin()}>
        Select
      </button>
    </section>
  );
}

const kinds: { value: Filter['kind']; label: string }[] = [
  { value: undefined, label: 'All' },
  { value: 'IMAGE', label: 'Images' },
  { value: 'VIDEO', label: 'Videos' },
];

function statusOf(value: string): Filter['status'] {
  return value === 'READY' || value === 'PROCESSING' || value === 'FAILED' ? value : undefined;
}

function SelectionBar(): VNode {
  const { library, selection, removal, announcer } = useTools();
  const count = selection.count.value;
  const all = library.shown.value;
  const isMore = all.length < (library.total.value ?? 0);
  const isFirst = useSignal(true);
  useEffect(() => {
    // The first tick would interrupt what is read out of the tile.
    if (isFirst.peek()) isFirst.value = false;
    else announcer.say(`${count} selected`);
  }, [count, announcer, isFirst]);
  return (
    <section class="toolbar is-selecting" aria-label="Selection">
      <button
        class="icon-button"
        type="button"
        aria-label="End selecting"
        title="End selecting"
        onClick={() => selection.clear()}
      >
        <Icon name="close" />
      </button>
      <p class="selected">{count === 0 ? 'Select items' : `${count} selected`}</p>
      <button
        class="button is-quiet"
        type="button"
        disabled={count === all.length}
        onClick={() => selection.set(all.map(({ id }) => id))}
      >
        {isMore ? `Select all ${all.length} loaded` : 'Select all'}
      </button>
      <span class="toolbar-gap" />
      <button
        class="button is-danger"
        type="button"
        disabled={count === 0}
        onClick={() => {
          removal.remove([...selection.ids.peek()]);
          selection.clear();
          document.getElementById('library')?.focus();
        }}
      >
        <Icon name="trash" /> <span class="button-word">Delete</span>
      </button>
    </section>
  );
}
