import { useSignal } from '@preact/signals';
import type { TargetedPointerEvent, VNode } from 'preact';
import { useId } from 'preact/hooks';
import type { ImageAsset } from '../sdk.ts';

type Focus = NonNullable<ImageAsset['focus']>;

/** Shapes that pages crop to, to see what the focus does. */
const shapes = ['square', 'wide', 'tall'] as const;

/** What crops keep in sight: a press on the small picture, or two sliders. */
export function FocusField({ asset, onSave }: { asset: ImageAsset; onSave: (focus: Focus | null) => void }): VNode {
  const id = useId();
  const moving = useSignal<Focus | undefined>(undefined);
  const focus = moving.value ?? asset.focus ?? { x: 0.5, y: 0.5 };
  const position = `${focus.x * 100}% ${focus.y * 100}%`;

  const save = (next: Focus): void => {
    moving.value = next;
    onSave(next);
  };
  const point = (event: TargetedPointerEvent<HTMLElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    save({ x: share(event.clientX - box.left, box.width), y: share(event.clientY - box.top, box.height) });
  };
  const slider = (axis: 'x' | 'y', label: string): VNode => (
    <label class="focus-slider">
      <span>{label}</span>
      <input
        type="range"
        min={0}
        max={100}
        value={Math.round(focus[axis] * 100)}
        aria-valuetext={`${Math.round(focus[axis] * 100)} %`}
        onInput={(event) => {
          moving.value = { ...focus, [axis]: Number(event.currentTarget.value) / 100 };
        }}
        onChange={(event) => save({ ...focus, [axis]: Number(event.currentTarget.value) / 100 })}
      />
    </label>
  );
  const picture = { srcset: asset.srcset, sizes: '160px', draggable: false };

  return (
    <details class="fold">
      <summary>
        Focus <span class="fold-hint">{asset.focus === null ? 'found by itself' : position}</span>
      </summary>
      <fieldset class="focus" aria-labelledby={`${id}-hint`}>
        <p class="field-hint" id={`${id}-hint`}>
          What stays in sight when the picture is cropped. Press on it, or use the sliders.
        </p>
        <div class="focus-row">
          <div class="focus-picture" onPointerUp={point}>
            <img {...picture} alt="" />
            <span class="focus-mark" style={{ left: `${focus.x * 100}%`, top: `${focus.y * 100}%` }} />
          </div>
          {shapes.map((shape) => (
            <img key={shape} {...picture} alt="" class={`focus-crop is-${shape}`} style={{ objectPosition: position }} />
          ))}
        </div>
        {slider('x', 'From the left')}
        {slider('y', 'From the top')}
        {asset.focus !== null && (
          <button
            class="button is-quiet is-small"
            type="button"
            onClick={() => {
              moving.value = undefined;
              onSave(null);
            }}
          >
            Let it be found
          </button>
        )}
      </fieldset>
    </details>
  );
}

/** In hundredths, as the server keeps it. */
function share(at: number, of: number): number {
  return Math.round(Math.min(Math.max(at / of, 0), 1) * 100) / 100;
}
