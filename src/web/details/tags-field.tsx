import { useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent, VNode } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';

/** The contract's limits. */
const mostTags = 50;
const longestTag = 64;

/** Tags as chips: Enter or a comma adds one, Backspace in the empty field takes the last away. */
export function TagsField({ tags, onSave }: { tags: readonly string[]; onSave: (tags: readonly string[]) => void }): VNode {
  const { library, announcer, route } = useTools();
  const id = useId();
  const text = useSignal('');
  const input = useRef<HTMLInputElement>(null);
  const suggestions = library.tags.value.filter((tag) => !tags.includes(tag)).slice(0, 30);

  const add = (): void => {
    const typed = text
      .peek()
      .split(',')
      .map((tag) => tag.trim().slice(0, longestTag));
    const added = typed.filter((tag) => tag !== '' && !tags.includes(tag));
    text.value = '';
    if (added.length > 0) onSave([...new Set([...tags, ...added])].slice(0, mostTags));
  };
  // Closing the window also leaves the field.
  const addLast = useRef(add);
  addLast.current = add;
  useEffect(() => () => addLast.current(), []);
  const remove = (tag: string): void => {
    onSave(tags.filter((each) => each !== tag));
    announcer.say(`Tag ${tag} removed`);
    // The button that was pressed is gone.
    input.current?.focus();
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLInputElement>): void => {
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      add();
    }
    const last = tags.at(-1);
    if (event.key === 'Backspace' && text.peek() === '' && last !== undefined) remove(last);
  };

  return (
    <div class="field">
      <label class="field-label" for={id}>
        Tags
      </label>
      <div class="tags">
        {tags.map((tag) => (
          <span key={tag} class="tag">
            <button class="tag-name" type="button" title={`Show all with the tag ${tag}`} onClick={() => showTagged(tag)}>
              {tag}
            </button>
            <button class="tag-remove" type="button" aria-label={`Remove tag ${tag}`} onClick={() => remove(tag)}>
              <Icon name="close" size={12} />
            </button>
          </span>
        ))}
        <input
          ref={input}
          id={id}
          class="tags-input"
          type="text"
          list={`${id}-known`}
          placeholder={tags.length === 0 ? 'Add a tag, press Enter' : 'Add'}
          maxLength={longestTag}
          autocomplete="off"
          value={text}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={onKeyDown}
          onBlur={add}
        />
        <datalist id={`${id}-known`}>
          {suggestions.map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
      </div>
    </div>
  );

  function showTagged(tag: string): void {
    route.close();
    library.narrow({ tag });
  }
}
