import type { VNode } from 'preact';
import { CopyButton } from '../parts/copy-button.tsx';
import type { Asset } from '../sdk.ts';
import { bytesInWords, clock, moment } from '../words.ts';

/** What the server found out about the file. */
export function Facts({ asset }: { asset: Asset }): VNode {
  return (
    <section class="details-section">
      <h3>Facts</h3>
      <dl class="facts">
        {rows(asset).map(([name, value]) => (
          <div key={name} class="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div class="fact">
          <dt>SHA-256</dt>
          <dd class="is-code">
            <span title={asset.sha256}>{asset.sha256.slice(0, 12)}…</span>
            <CopyButton text={asset.sha256} label="SHA-256" />
          </dd>
        </div>
        <div class="fact">
          <dt>Id</dt>
          <dd class="is-code">
            <span title={asset.id}>{asset.id.slice(0, 13)}…</span>
            <CopyButton text={asset.id} label="id" />
          </dd>
        </div>
      </dl>
    </section>
  );
}

function rows(asset: Asset): [name: string, value: string][] {
  const { width, height } = asset;
  const found: [string, string | undefined][] = [
    ['File', asset.filename],
    ['Type', `${asset.mimeType}${asset.kind === 'IMAGE' && asset.animated ? ', animated' : ''}`],
    ['Size', bytesInWords(asset.size)],
    ['Pixels', width === null || height === null ? undefined : `${width} × ${height}`],
    ...(asset.kind === 'VIDEO' ? filmRows(asset) : []),
    ['Added', moment(asset.createdAt)],
    ['Status', asset.status === 'READY' ? undefined : asset.status === 'PROCESSING' ? 'In work' : 'Failed'],
  ];
  return found.filter((row): row is [string, string] => row[1] !== undefined);
}

function filmRows(film: Extract<Asset, { kind: 'VIDEO' }>): [string, string | undefined][] {
  const codecs = [film.videoCodec, film.audioCodec].filter((codec) => codec !== null).join(' and ');
  return [
    ['Length', film.duration === null ? undefined : clock(film.duration)],
    ['Codecs', codecs || undefined],
    ['Frame rate', film.frameRate === null ? undefined : `${Number(film.frameRate.toFixed(2))} a second`],
  ];
}
