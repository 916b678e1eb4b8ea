import { defineEntity, p } from '@mikro-orm/core';
import { ImageAsset, MediaAsset, mediaKinds, mediaStatuses, VideoAsset } from '../media/media-asset.ts';

/** Rows a user may see. Written exactly like this, PostgreSQL recognises the partial index `media_assets_by_time`. */
export const isPublic = "status in ('PROCESSING', 'READY', 'FAILED')";

/** Rows somebody has to finish. Written exactly like this, PostgreSQL recognises the partial index `media_assets_unfinished`. */
export const isUnfinished = "status in ('UPLOADING', 'DELETING')";

/** Direct uploads that are not complete. Written exactly like this, PostgreSQL recognises the partial index `media_assets_pending`. */
export const isPending = "announced_bytes is not null and status = 'UPLOADING'";

/** `media_usage`: what each user holds, kept beside the assets so that a quota is one conditional update and totals count nothing. */
class MediaUsage {
  ownerId!: string;
  assetCount!: number;
  sizeBytes!: number;
  /** Bytes that running uploads may still come to hold. */
  reservedBytes!: number;
}

const timestamp = () => p.datetime(3).columnType('timestamptz(3)');

/**
 * One table for both kinds. Lazy properties belong to the row only, not to the class: what an upload has reserved, its last sign of
 * life (in `DELETING`: since when somebody has been working on it; between them: until when an object may be added), and the client's name for it.
 * Of a direct upload that is not complete: how many bytes will come, its session on the bucket, and who is completing it, until when.
 */
const mediaAsset = defineEntity({
  class: MediaAsset,
  tableName: 'media_assets',
  abstract: true,
  discriminatorColumn: 'kind',
  properties: {
    id: p.uuid().primary(),
    ownerId: p.text().name('user_id'),
    kind: p.enum([...mediaKinds]).index(false),
    state: p.enum(['UPLOADING', ...mediaStatuses, 'DELETING']).name('status'),
    filename: p.text(),
    storageUri: p.text(),
    mimeType: p.text(),
    sizeBytes: p.bigint('number'),
    sha256: p.text().name('sha256'),
    width: p.integer().nullable(),
    height: p.integer().nullable(),
    title: p.text().nullable(),
    altText: p.text().nullable(),
    tags: p.array().columnType('text[]'),
    createdAt: timestamp(),
    updatedAt: timestamp(),
    reservedBytes: p.bigint('number').lazy().defaultRaw('0'),
    aliveAt: timestamp().lazy().defaultRaw('now()'),
    idempotencyKey: p.text().lazy().nullable(),
    announcedBytes: p.bigint('number').lazy().nullable(),
    sessionUri: p.text().lazy().nullable(),
    completedBy: p.uuid().lazy().nullable(),
    completingUntil: timestamp().lazy().nullable(),
  },
  indexes: [
    // Read backwards for newest first. (Written with `desc`, MikroORM's schema check would misread its last column.)
    { name: 'media_assets_by_time', properties: ['ownerId', 'createdAt', 'id'], include: ['kind', 'state'], where: isPublic },
    // Typed by the class, which does not have this property of the row.
    { name: 'media_assets_unfinished', properties: ['aliveAt' as keyof MediaAsset], where: isUnfinished },
    { name: 'media_assets_pending', properties: ['ownerId'], where: isPending },
  ],
  uniques: [
    {
      name: 'media_assets_idempotency',
      properties: ['ownerId', 'idempotencyKey' as keyof MediaAsset],
      where: "idempotency_key is not null and status <> 'DELETING'",
    },
  ],
  checks: [{ name: 'media_assets_bytes_check', expression: 'size_bytes >= 0 and reserved_bytes >= 0' }],
});

const imageAsset = defineEntity({
  class: ImageAsset,
  extends: MediaAsset,
  discriminatorValue: 'IMAGE',
  properties: {
    animated: p.boolean(),
    hasAlpha: p.boolean(),
    placeholder: p.text(),
    dominantColor: p.text().nullable(),
    focusX: p.double().nullable(),
    focusY: p.double().nullable(),
  },
});

const videoAsset = defineEntity({
  class: VideoAsset,
  extends: MediaAsset,
  discriminatorValue: 'VIDEO',
  properties: {
    durationSeconds: p.double().name('duration').nullable(),
    videoCodec: p.text().nullable(),
    audioCodec: p.text().nullable(),
    frameRate: p.double().nullable(),
  },
});

const mediaUsage = defineEntity({
  class: MediaUsage,
  tableName: 'media_usage',
  properties: {
    ownerId: p.text().name('user_id').primary(),
    assetCount: p.integer(),
    sizeBytes: p.bigint('number'),
    reservedBytes: p.bigint('number'),
  },
  checks: [{ name: 'media_usage_totals_check', expression: 'asset_count >= 0 and size_bytes >= 0 and reserved_bytes >= 0' }],
});

/** Every table of ours, and the class its rows become. */
export const entities = [mediaAsset, imageAsset, videoAsset, mediaUsage];
