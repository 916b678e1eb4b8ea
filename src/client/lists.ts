import { type Asset, assetOf } from './assets.ts';
import { type Connection, run } from './connection.ts';
import { type MediaKind, type MediaStatus, MyMediaDocument } from './generated.ts';

/** Which assets a list holds. */
export interface ListFilter {
  readonly kind?: MediaKind | undefined;
  readonly status?: MediaStatus | undefined;
  /** Only assets that have exactly this tag. */
  readonly tag?: string | undefined;
  /** Only assets with this text in filename, title or altText. */
  readonly search?: string | undefined;
}

/** A list from its newest asset to its oldest. */
export interface ListOptions extends ListFilter {
  /** How many assets are fetched at a time, 1 to 100. Default 50. */
  readonly pageSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One page of a list. */
export interface PageOptions extends ListFilter {
  /** How many assets at most, 1 to 100. Default 20. */
  readonly first?: number | undefined;
  /** Only what comes after this: a page's `nextCursor`. */
  readonly after?: string | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Some of a list's assets, newest first. */
export interface Page {
  readonly items: readonly Asset[];
  /** Where the next page begins; null when this is the last. */
  readonly nextCursor: string | null;
  /** How many assets the filter fits, on every page. */
  readonly totalCount: number;
}

/** Assets that are fetched page after page while they are walked; each walk begins anew. */
export interface AssetList extends AsyncIterable<Asset> {
  pages(): AsyncIterable<Page>;
}

/** Fetches one page. */
export async function pageOf(connection: Connection, { signal, ...variables }: PageOptions): Promise<Page> {
  const { myMedia } = await run(connection, MyMediaDocument, variables, { signal });
  return {
    items: myMedia.edges.map(({ node }) => assetOf(node)),
    nextCursor: myMedia.pageInfo.hasNextPage ? myMedia.pageInfo.endCursor : null,
    totalCount: myMedia.totalCount,
  };
}

/** A list; nothing is fetched until it is walked. */
export function listOf(connection: Connection, { pageSize = 50, ...filter }: ListOptions): AssetList {
  async function* pages(): AsyncGenerator<Page, void> {
    for (let after: string | null | undefined; after !== null; ) {
      const page: Page = await pageOf(connection, { ...filter, first: pageSize, after });
      yield page;
      after = page.nextCursor;
    }
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { items } of pages()) yield* items;
    },
  };
}
