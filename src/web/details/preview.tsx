import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { placeholderUrl } from '../gallery/placeholder.ts';
import { Icon } from '../parts/icons.tsx';
import type { Asset, ImageAsset, VideoAsset } from '../sdk.ts';

/** The picture as large as there is room, or the film to play. */
export function Preview({ asset }: { asset: Asset }): VNode {
  return <div class="preview">{asset.kind === 'IMAGE' ? <Picture asset={asset} /> : <Film asset={asset} />}</div>;
}

function Picture({ asset }: { asset: ImageAsset }): VNode {
  const state = useSignal<'waiting' | 'here' | 'failed'>('waiting');
  const placeholder = placeholderUrl(asset.placeholder);
  if (state.value === 'failed') return <Missing what="picture" url={asset.url} />;
  return (
    <img
      ref={(image) => {
        if (image?.complete === true && image.naturalWidth > 0) state.value = 'here';
      }}
      class={`preview-picture ${asset.hasAlpha ? 'has-alpha' : ''}`}
      alt={asset.altText ?? ''}
      srcset={asset.srcset}
      sizes="(min-width: 900px) calc(100vw - 24rem), 100vw"
      width={asset.width}
      height={asset.height}
      style={
        state.value === 'waiting' && placeholder !== undefined && !asset.hasAlpha
          ? { backgroundImage: `url(${placeholder})` }
          : undefined
      }
      onLoad={() => {
        state.value = 'here';
      }}
      onError={() => {
        state.value = 'failed';
      }}
    />
  );
}

function Film({ asset }: { asset: VideoAsset }): VNode {
  const isBroken = useSignal(false);
  if (isBroken.value) return <Missing what="video" url={asset.url} />;
  return (
    // biome-ignore lint/a11y/useMediaCaption: captions are not kept yet; the description says what it is
    <video
      class="preview-film"
      src={asset.url}
      controls
      playsInline
      preload="metadata"
      aria-label={asset.altText ?? asset.title ?? asset.filename}
      onError={() => {
        isBroken.value = true;
      }}
    />
  );
}

/** This browser cannot show it, which says nothing about the file. */
function Missing({ what, url }: { what: 'picture' | 'video'; url: string }): VNode {
  return (
    <div class="preview-missing">
      <Icon name={what === 'video' ? 'film' : 'image'} size={32} />
      <p>This browser cannot show the {what}. The file itself is safe.</p>
      <a class="button" href={url} target="_blank" rel="noreferrer">
        Open the original
      </a>
    </div>
  );
}
