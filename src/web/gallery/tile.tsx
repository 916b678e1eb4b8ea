import { useSignal } from '@preact/signals';
import type { TargetedMouseEvent, VNode } from 'preact';
import { Icon } from '../parts/icons.tsx';
import type { Asset, ImageAsset, VideoAsset } from '../sdk.ts';
import { clock } from '../words.ts';
import type { Place } from './layout.ts';
import { placeholderUrl } from './placeholder.ts';

interface TileProps {
  readonly asset: Asset;
  readonly place: Place;
  /** How many there are in all, loaded or not. */
  readonly total: number;
  readonly isReachable: boolean;
  readonly isSelected: boolean;
  /** Whether something is being selected: then a press selects. */
  readonly isSelecting: boolean;
  onFocus(): void;
  onOpen(): void;
  onSelect(isRange: boolean): void;
}

/** One picture or film of the gallery: a press opens it, its box (or a press with Shift or Control) selects it. */
export function Tile({ asset, place, total, isReachable, isSelected, isSelecting, onFocus, onOpen, onSelect }: TileProps): VNode {
  const name = asset.title ?? asset.filename;
  const press = (event: TargetedMouseEvent<HTMLElement>): void => {
    if (event.shiftKey) onSelect(true);
    // Enter is no press of the pointer (detail 0): it opens also then.
    else if (event.ctrlKey || event.metaKey || (isSelecting && event.detail > 0)) onSelect(false);
    else onOpen();
  };
  const tabIndex = isReachable ? 0 : -1;
  return (
    <li
      class={`tile ${isSelected ? 'is-selected' : ''}`}
      data-id={asset.id}
      aria-setsize={total}
      aria-posinset={place.index + 1}
      style={{ left: `${place.x}px`, top: `${place.y}px`, width: `${place.width}px`, height: `${place.height}px` }}
    >
      <button type="button" class="tile-open" tabIndex={tabIndex} onFocus={onFocus} onClick={press}>
        <span class="tile-name">{name}</span>
        <span class="unseen">
          , {asset.kind === 'IMAGE' ? 'image' : 'video'}
          {isSelected && ', selected'}{' '}
        </span>
        {asset.kind === 'IMAGE' ? <Picture asset={asset} width={place.width} /> : <Film asset={asset} />}
      </button>
      <label class="tile-pick">
        <input
          type="checkbox"
          tabIndex={tabIndex}
          checked={isSelected}
          aria-label={`Select ${name}`}
          onFocus={onFocus}
          onClick={(event) => onSelect(event.shiftKey)}
        />
        <Icon name="check" size={16} />
      </label>
    </li>
  );
}

function Picture({ asset, width }: { asset: ImageAsset; width: number }): VNode {
  const isHere = useSignal(false);
  const placeholder = placeholderUrl(asset.placeholder);
  return (
    <>
      <img
        // A picture that is in the cache is there at once; one that arrives comes up softly.
        ref={(image) => {
          if (image?.complete === true && image.naturalWidth > 0) isHere.value = true;
        }}
        class={`tile-picture ${isHere.value ? 'is-here' : ''} ${asset.hasAlpha ? 'has-alpha' : ''}`}
        alt=""
        srcset={asset.srcset}
        sizes={`${Math.ceil(width)}px`}
        decoding="async"
        draggable={false}
        onLoad={() => {
          isHere.value = true;
        }}
        onError={() => {
          isHere.value = true;
        }}
      />
      {placeholder !== undefined && !(asset.hasAlpha && isHere.value) && (
        <span class="tile-placeholder" style={{ backgroundImage: `url(${placeholder})` }} />
      )}
      {asset.animated && <span class="badge">GIF</span>}
    </>
  );
}

function Film({ asset }: { asset: VideoAsset }): VNode {
  const isShown = useSignal(true);
  return (
    <>
      {isShown.value ? (
        // A moment after the start: the very first picture is black in many films. Without sound and by itself it needs no captions.
        <video
          class="tile-film"
          src={`${asset.url}#t=0.1`}
          preload="metadata"
          muted
          playsInline
          disablePictureInPicture
          tabIndex={-1}
          aria-hidden="true"
          onError={() => {
            isShown.value = false;
          }}
        />
      ) : (
        <span class="tile-icon">
          <Icon name="film" size={32} />
        </span>
      )}
      <span class="badge">
        {asset.status === 'FAILED' ? <Icon name="alert" size={14} /> : <Icon name="play" size={14} />}
        {asset.status === 'PROCESSING'
          ? 'In work'
          : asset.status === 'FAILED'
            ? 'Failed'
            : asset.duration === null
              ? 'Video'
              : clock(asset.duration)}
      </span>
    </>
  );
}
