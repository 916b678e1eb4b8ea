import type { Asset, ImageAsset, VideoAsset } from '../sdk.ts';

/** A piece of text ready to be pasted elsewhere. */
export interface Snippet {
  readonly name: string;
  readonly text: string;
}

/** What pages, texts and programs need to use an asset. `server`: the API's base URL. */
export function snippetsOf(asset: Asset, server: string): Snippet[] {
  const name = asset.altText ?? asset.title ?? '';
  const shown = asset.kind === 'IMAGE' ? smallest(asset) : asset.url;
  return [
    { name: 'HTML', text: asset.kind === 'IMAGE' ? imageTag(asset, name) : videoTag(asset, name) },
    {
      name: 'Markdown',
      text: asset.kind === 'IMAGE' ? `![${forMarkdown(name)}](${shown})` : `[${forMarkdown(name || asset.filename)}](${shown})`,
    },
    { name: 'GraphQL', text: query(asset) },
    { name: 'curl', text: `curl ${server}/api/v1/media/${asset.id} \\\n  -H "Authorization: Bearer $TOKEN"` },
  ];
}

function imageTag(asset: ImageAsset, alt: string): string {
  return [
    '<img',
    `  src="${forHtml(smallest(asset))}"`,
    `  srcset="${forHtml(asset.srcset)}"`,
    '  sizes="100vw"',
    `  width="${asset.width}" height="${asset.height}"`,
    `  alt="${forHtml(alt)}"`,
    '  loading="lazy"',
    '>',
  ].join('\n');
}

function videoTag(asset: VideoAsset, name: string): string {
  const size = asset.width === null || asset.height === null ? '' : `\n  width="${asset.width}" height="${asset.height}"`;
  const label = name === '' ? '' : `\n  aria-label="${forHtml(name)}"`;
  return `<video\n  src="${forHtml(asset.url)}"${size}${label}\n  controls preload="metadata"\n></video>`;
}

function query({ id, kind }: Asset): string {
  const rest =
    kind === 'IMAGE'
      ? '    ... on ImageAsset { placeholder srcset(format: AUTO) }'
      : '    ... on VideoAsset { duration videoCodec }';
  return `query {\n  media(id: "${id}") {\n    title altText width height\n    url(expiresIn: 86400)\n${rest}\n  }\n}`;
}

/** For browsers that know no srcset: the link of the rendition that is nearest to a column's width. */
function smallest(asset: ImageAsset): string {
  const candidates = asset.srcset.split(', ').map((each) => each.split(' '));
  const wide = candidates.find(([, width = '']) => Number.parseInt(width, 10) >= 1024) ?? candidates.at(-1);
  return wide?.[0] ?? asset.url;
}

function forHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function forMarkdown(text: string): string {
  return text.replace(/[[\]\\]/g, '\\$&').replaceAll('\n', ' ');
}
