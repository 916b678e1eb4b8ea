import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { encodeCursor } from '../media/cursor.ts';
import { maxPageSize } from '../media/library.ts';
import { mediaKinds, mediaStatuses } from '../media/media-asset.ts';
import { maxSearchLength } from '../media/text.ts';
import { assetBody, linkSeconds } from './asset.ts';
import { nextQuery, readListQuery } from './input.ts';
import type { RestOptions } from './options.ts';
import { problems, success } from './schemas.ts';

/** `GET /media/`, with and without its trailing slash. */
export function listRoutes({ library, baseUrl }: RestOptions): FastifyPluginAsync {
  return async (scope) => {
    const list = async (request: FastifyRequest, reply: FastifyReply) => {
      const query = readListQuery(request.query);
      const page = await library.page(request.getDecorator<string>('userId'), query);
      const last = page.assets.at(-1);
      const nextCursor = page.hasNextPage && last !== undefined ? encodeCursor(last) : null;
      if (nextCursor !== null) reply.header('link', `<${baseUrl()}/api/v1/media/?${nextQuery(query, nextCursor)}>; rel="next"`);
      const items = page.assets.map((asset) => assetBody(asset, library.linkTo(asset, linkSeconds)));
      return reply.header('cache-control', 'private, no-cache').send({ items, nextCursor, totalCount: await page.totalCount() });
    };
    scope.get('/media/', { schema: description }, list);
    scope.get('/media', { schema: { ...description, hide: true } }, list);
  };
}

const description = {
  operationId: 'listMedia',
  tags: ['Media'],
  summary: 'List your media',
  description: 'Newest first. An empty parameter counts as absent.',
  querystring: {
    type: 'object',
    properties: {
      first: {
        type: 'integer',
        minimum: 1,
        maximum: maxPageSize,
        default: 20,
        description: 'How many items a page has at most.',
      },
      after: { type: 'string', description: 'The `nextCursor` of the page before.' },
      kind: { type: 'string', enum: mediaKinds, description: 'Only images, or only videos.' },
      status: { type: 'string', enum: mediaStatuses, description: 'Only what is in this state.' },
      tag: { type: 'string', description: 'Only what has this tag.' },
      search: {
        type: 'string',
        maxLength: maxSearchLength,
        description: 'A part of filename, title or altText; upper and lower case are alike, `%` and `_` mean themselves.',
      },
    },
  },
  response: {
    200: success('MediaPage', 'A page.', {
      Link: { type: 'string', description: 'The next page, as `<URL>; rel="next"`; absent on the last.' },
    }),
    ...problems('BAD_USER_INPUT'),
  },
};
