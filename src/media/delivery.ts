import type { Readable } from 'node:stream';
import { MediakeepError } from '../errors.ts';
import { uuidPattern } from './cursor.ts';
import { type LinkSigner, originalLinkLife } from './links.ts';
import { type ImageAsset, isImage, type MediaAsset, notFound } from './media-asset.ts';
import { keyPrefix, originalKey } from './policy.ts';
import type { ByteRange, MediaStore, ObjectStorage } from './ports.ts';
import { isOutdated, type RenditionShelf, type Shelved } from './rendition-shelf.ts';
import {
  chooseFormat,
  type ImageFormat,
  pictureTypes,
  planRendition,
  type RenditionPlan,
  type RenditionRequest,
  readRenditionName,
  renditionFilename,
  renditionLinkLife,
  renditionName,
  srcsetWidths,
} from './renditions.ts';

/** A picture made of an image, when it is first asked for. */
export interface Rendition {
  /** A signed link, the same for everybody who asks within 6 hours. */
  readonly url: string;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
  /** `image/*` when the request that fetches it decides. */
  readonly mimeType: string;
}

/** The file behind a signed link. */
export interface SharedFile {
  readonly filename: string;
  readonly mimeType: string;
  readonly sizeBytes: number;
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  readonly expiresAt: Date;
  /** Whether another `Accept` could have led to another file. */
  readonly variesByAccept: boolean;
  /** All bytes, or a range that lies inside the file; small ones in memory. The caller reads or destroys a stream. */
  open(range: ByteRange | undefined, signal: AbortSignal): Promise<Readable | Buffer>;
  /** A link on the storage itself, or undefined when the bytes are to be streamed. */
  redirectTo(contentDisposition: string): Promise<string | undefined>;
}

/** What a link says of itself, and the request's `Accept`, which decides the format of AUTO. */
export interface LinkQuery {
  readonly expires?: string | undefined;
  readonly signature?: string | undefined;
  readonly accept?: string | undefined;
}

/** Signed links, and what lies behind them: originals and renditions. */
export class Delivery {
  readonly #links: LinkSigner;
  readonly #store: MediaStore;
  readonly #storage: ObjectStorage;
  readonly #shelf: RenditionShelf;

  constructor(options: { links: LinkSigner; store: MediaStore; storage: ObjectStorage; shelf: RenditionShelf }) {
    this.#links = options.links;
    this.#store = options.store;
    this.#storage = options.storage;
    this.#shelf = options.shelf;
  }

  /** A link to the original that lives `expiresIn` seconds, or up to a quarter longer. BAD_USER_INPUT outside 1 to 604800. */
  linkTo(asset: MediaAsset, expiresIn: number): string {
    return this.#links.sign(originalKey(asset.id), originalLinkLife(expiresIn));
  }

  /** A rendition of an image, which is made when its link is first opened: what it will be, and a link. BAD_USER_INPUT. */
  renditionOf(image: ImageAsset, request: RenditionRequest): Rendition {
    const plan = planRendition(image, request);
    const url = this.#links.sign(`${keyPrefix(image.id)}${renditionName(plan)}`, renditionLinkLife);
    return { url, width: plan.width, height: plan.height, mimeType: pictureTypes[plan.format] };
  }

  /** Renditions of the whole image as the value of an `<img srcset>`: each width once, none larger than the original. BAD_USER_INPUT. */
  srcsetOf(image: ImageAsset, request: SrcsetRequest): string {
    const widths = srcsetWidths(request.widths);
    const renditions = widths.map((width) => this.renditionOf(image, { width, format: request.format }));
    const ascending = renditions.toSorted((a, b) => a.width - b.width);
    return [...new Set(ascending.map(({ url, width }) => `${url} ${width}w`))].join(', ');
  }

  /**
   * The file behind a link; a rendition that is not there yet is made. Undefined when the link is not valid (any more); NOT_FOUND when its asset is
   * gone; OVERLOADED, STORAGE_UNAVAILABLE.
   */
  async open(path: string, { expires, signature, accept }: LinkQuery): Promise<SharedFile | undefined> {
    const target = this.#links.verify(path, expires, signature);
    if (target === undefined) return undefined;
    const [id = '', name = ''] = path.split('/');
    const asset = uuidPattern.test(id) ? await this.#store.findShared(id) : undefined;
    if (asset === undefined) throw notFound();
    if (path === originalKey(id)) return this.#original(asset, target.expiresAt);
    const plan = readRenditionName(name);
    if (plan === undefined || !isImage(asset)) throw notFound();
    return await this.#rendition(asset, plan, { accept, expiresAt: target.expiresAt });
  }

  #original(asset: MediaAsset, expiresAt: Date): SharedFile {
    const key = originalKey(asset.id);
    return {
      filename: asset.filename,
      mimeType: asset.mimeType,
      sizeBytes: asset.sizeBytes,
      etag: `"${asset.sha256}"`,
      lastModified: asset.createdAt,
      expiresAt,
      variesByAccept: false,
      open: (range, signal) => this.#storage.read(key, { signal, ...(range && { range }) }),
      redirectTo: (contentDisposition) =>
        this.#storage.downloadUrl(key, { contentType: asset.mimeType, contentDisposition, expiresAt }),
    };
  }

  async #rendition(
    image: ImageAsset,
    plan: RenditionPlan,
    { accept, expiresAt }: { accept: string | undefined; expiresAt: Date },
  ): Promise<SharedFile> {
    const format = chooseFormat(plan.format, accept, image);
    const picture = { ...plan, format };
    const shelved = await this.#shelf.openToSend(image, picture);
    const { key, bytes } = shelved;
    const contentType = pictureTypes[format];
    const etag = tagOf(shelved, format);
    return {
      filename: renditionFilename(image.filename, format),
      mimeType: contentType,
      sizeBytes: shelved.stored.sizeBytes,
      etag,
      // That of the original: nothing else can change a rendition.
      lastModified: image.createdAt,
      expiresAt,
      variesByAccept: plan.format === 'AUTO',
      open: async (range, signal) => {
        try {
          return await this.#shelf.read(shelved, range, signal);
        } catch (error) {
          if (!isOutdated(error)) throw error;
          const again = await this.#shelf.open(image, picture);
          // What has been said of the former one has to be true of this one too.
          if (tagOf(again, format) !== etag) throw madeAnew(error);
          return await this.#shelf.read(again, range, signal);
        }
      },
      // What is not stored yet cannot be redirected to.
      redirectTo: async (contentDisposition) =>
        bytes === undefined ? await this.#storage.downloadUrl(key, { contentType, contentDisposition, expiresAt }) : undefined,
    };
  }
}

/** What a `srcset` is asked for. */
export interface SrcsetRequest {
  readonly widths?: readonly number[] | null | undefined;
  readonly format?: ImageFormat | null | undefined;
}

function madeAnew(cause: unknown): MediakeepError {
  const message = 'The picture was made anew in this very moment. Please ask again.';
  return new MediakeepError('OVERLOADED', message, { cause, retryAfterSeconds: 1 });
}

/** By content: a rendition that was cleared away and is made again by another version of the encoder is another file. */
function tagOf({ stored }: Shelved, format: string): string {
  return `"${stored.crc32c.toString(16).padStart(8, '0')}-${stored.sizeBytes.toString(16)}-${format.toLowerCase()}"`;
}
