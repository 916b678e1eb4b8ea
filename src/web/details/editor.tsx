import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { Asset, UpdateMediaInput } from '../sdk.ts';
import { useTools } from '../tools.ts';
import { FocusField } from './focus-field.tsx';
import { TagsField } from './tags-field.tsx';

/** Title, description, tags and focus; each is saved when it is left, and shown as the user has it. */
export function Editor({ asset }: { asset: Asset }): VNode {
  const { edits } = useTools();
  const isTouched = useSignal(false);
  const edit = edits.of(asset.id);
  const { title = asset.title, altText = asset.altText, tags, focus } = edit?.unsaved ?? {};
  const save = (change: UpdateMediaInput): void => {
    isTouched.value = true;
    void edits.save(asset.id, change);
  };

  return (
    <div class="editor">
      <TextField label="Title" value={title} placeholder={asset.filename} maxLength={300} onSave={(title) => save({ title })} />
      <TextField
        label={asset.kind === 'IMAGE' ? 'Description (alt text)' : 'Description'}
        hint="Read out to people who do not see it."
        value={altText}
        maxLength={2000}
        rows={3}
        onSave={(altText) => save({ altText })}
      />
      <TagsField tags={tags ?? asset.tags} onSave={(tags) => save({ tags })} />
      {asset.kind === 'IMAGE' && (
        <FocusField asset={focus === undefined ? asset : { ...asset, focus }} onSave={(focus) => save({ focus })} />
      )}
      <p class={`editor-state ${edit?.problem ? 'is-bad' : ''}`} role="status">
        {edit?.isSaving && 'Saving…'}
        {edit === undefined && isTouched.value && 'Saved'}
        {edit?.problem && (
          <>
            Not saved. {edit.problem}{' '}
            <button class="link" type="button" onClick={() => save({})}>
              Try again
            </button>
          </>
        )}
      </p>
    </div>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string | null;
  readonly maxLength: number;
  readonly placeholder?: string;
  readonly hint?: string;
  /** More than one line. */
  readonly rows?: number;
  onSave(value: string | null): void;
}

function TextField({ label, value, maxLength, placeholder, hint, rows, onSave }: TextFieldProps): VNode {
  const id = useId();
  const text = useSignal(value ?? '');
  const saved = useRef(value ?? '');
  const leave = (): void => {
    const next = text.peek().trim();
    if (next === saved.current) return;
    saved.current = next;
    onSave(next === '' ? null : next);
  };
  // Closing the window also leaves the field.
  const leaveLast = useRef(leave);
  leaveLast.current = leave;
  useEffect(() => () => leaveLast.current(), []);
  const shared = {
    id,
    value: text,
    maxLength,
    'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
    onBlur: leave,
  };
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      {rows === undefined ? (
        <input
          {...shared}
          class="input"
          type="text"
          placeholder={placeholder}
          autocomplete="off"
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') leave();
          }}
        />
      ) : (
        <textarea
          {...shared}
          class="input"
          rows={rows}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      )}
      {hint !== undefined && (
        <span class="field-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}
