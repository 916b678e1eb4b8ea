import type { EntityProperty, MetadataStorage } from '@mikro-orm/core';
import { ImageAsset, MediaAsset, VideoAsset } from '../media/media-asset.ts';
import type { Row, Values } from './statements.ts';

/**
 * Carries assets to `media_assets` and back, by the mapping in mapping.ts and nothing else. It stands in for the ORM's unit of work,
 * which costs five times the query it runs (21 rows: 1000 us of CPU against 170), and which nobody here needs: every write is one statement.
 */
export class AssetRows {
  /** The select list that {@link read} understands. */
  readonly columns: string;
  readonly #columns: readonly Column[];
  readonly #ofImage: readonly Column[];
  readonly #ofVideo: readonly Column[];

  constructor(metadata: MetadataStorage) {
    this.#columns = columnsOf(metadata.get(MediaAsset).props);
    this.#ofImage = columnsOf(metadata.get(ImageAsset).props);
    this.#ofVideo = columnsOf(metadata.get(VideoAsset).props);
    this.columns = this.#columns.map(({ name }) => name).join(', ');
  }

  /** The asset in a row that was selected with {@link columns}. */
  read(row: Row): MediaAsset {
    return row.kind === 'VIDEO' ? fill(new VideoAsset(), this.#ofVideo, row) : fill(new ImageAsset(), this.#ofImage, row);
  }

  /** Binds every value of the asset, null for what its kind does not have; answers them as text, in the order of {@link columns}. */
  bindAll(asset: MediaAsset, values: Values): string {
    return this.#columns.map((column) => bind(asset, column, values)).join(', ');
  }

  /** Binds what may change in an asset's life; answers it as assignments: `filename = $1::text, ...`. */
  bindChanges(asset: MediaAsset, values: Values): string {
    return this.#columns
      .filter(({ name }) => !fixedColumns.includes(name))
      .map((column) => `${column.name} = ${bind(asset, column, values)}`)
      .join(', ');
  }
}

interface Column {
  readonly name: string;
  readonly property: string;
  /** As PostgreSQL spells it. */
  readonly type: string;
  readonly fromRow: (value: unknown) => unknown;
}

/** What never changes after the first write. */
const fixedColumns: readonly string[] = ['id', 'user_id', 'kind', 'created_at'];

/** Lazy properties are the row's own business. */
function columnsOf(properties: readonly EntityProperty[]): Column[] {
  return properties
    .filter(({ lazy }) => !lazy)
    .map(({ name, fieldNames: [field = name], columnTypes: [type = 'text'], runtimeType }) => ({
      name: field,
      property: name,
      type,
      fromRow: conversions[runtimeType] ?? ((value) => value),
    }));
}

/** The driver parses arrays, floats and small integers itself; bigints and timestamps arrive as text. */
const conversions: Readonly<Record<string, (value: unknown) => unknown>> = {
  number: Number,
  Date: (value) => new Date(String(value)),
};

function bind(asset: MediaAsset, { property, type }: Column, values: Values): string {
  return `${values.bind(propertiesOf(asset)[property] ?? null)}::${type}`;
}

function fill<T extends MediaAsset>(asset: T, columns: readonly Column[], row: Row): T {
  const properties = propertiesOf(asset);
  for (const { name, property, fromRow } of columns) {
    const value = row[name];
    properties[property] = value === null ? null : fromRow(value);
  }
  return asset;
}

/** The mapping names properties by strings; that they are the class's own is checked when mapping.ts is compiled. */
function propertiesOf(asset: MediaAsset): Record<string, unknown> {
  return asset as unknown as Record<string, unknown>;
}
