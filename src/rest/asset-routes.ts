import { createHash } from 'node:crypto';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { MediaLibrary } from '../media/library.ts';
import { type MediaAsset, notFound } from '../media/media-asset.ts';
import { assetBody, linkSeconds } from './asset.ts';
import { letBodiesBeEmpty } from './bodies.ts';
import { readChange } from './input.ts';
import type { RestOptions } from './options.ts';
import { nothing, problems, success } from './schemas.ts';

/** What can be done with one asset: `/media/{id}` and `/media/{id}/content`. */
export function assetRoutes({ library }: RestOptions): FastifyPluginAsync {
  return async (scope) => {
    letBodiesBeEmpty(scope);
    scope.get('/media/:id', { schema: reading }, async (request, reply) => {
      const asset = await find(library, request);
      const body = JSON.stringify(assetBody(asset, library.linkTo(asset, linkSeconds)));
      const etag = tagOf(body);
      reply.header('etag', etag).header('cache-control', 'private, no-cache');
      if (listsTag(request.headers['if-none-match'], etag)) return reply.code(304).send();
      return reply.type('application/json; charset=utf-8').send(body);
    });
    scope.get('/media/:id/content', { schema: content }, async (request, reply) => {
      const asset = await find(library, request);
      return reply.header('cache-control', 'private, no-cache').redirect(library.linkTo(asset, linkSeconds), 302);
    });
    scope.patch('/media/:id', { schema: updating }, async (request, reply) => {
      const asset = await library.update(userOf(request), idOf(request), readChange(request.body));
      return reply.send(assetBody(asset, library.linkTo(asset, linkSeconds)));
    });
    scope.delete('/media/:id', { schema: deleting }, async (request, reply) => {
      const deleted = await library.remove(userOf(request), idOf(request));
      return deleted.purged ? reply.code(204).send() : reply.code(202).send(deleted);
    });
  };
}

async function find(library: MediaLibrary, request: FastifyRequest): Promise<MediaAsset> {
  const asset = await library.get(userOf(request), idOf(request));
  if (asset === undefined) throw notFound();
  return asset;
}

function userOf(request: FastifyRequest): string {
  return request.getDecorator<string>('userId');
}

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}

/** Its `url` is part of the body, so the tag changes with it: a 304 never keeps a link alive that has run out. */
function tagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url')}"`;
}

/** RFC 9110 13.1.2: any tag of the list, compared weakly, or `*`. */
function listsTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}

const params = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', description: 'The id of the asset.', examples: ['0198c0de-7a11-7bbb-8ccc-0123456789ab'] } },
};

const reading = {
  operationId: 'getMedia',
  tags: ['Media'],
  summary: 'Get one of your media',
  params,
  headers: {
    type: 'object',
    properties: { 'If-None-Match': { type: 'string', description: 'The `ETag` of a former answer.' } },
  },
  response: {
    200: success('MediaAsset', 'The asset.', { ETag: { type: 'string', description: 'Changes with the body, `url` included.' } }),
    304: nothing('The client has it already.', { ETag: { type: 'string' } }),
    ...problems('BAD_USER_INPUT', 'NOT_FOUND'),
  },
};

const content = {
  operationId: 'getMediaContent',
  tags: ['Media'],
  summary: 'Get the original bytes',
  description: 'Redirects to the `url` of the asset.',
  params,
  response: {
    302: nothing('The link is in `Location`.', {
      Location: { type: 'string', format: 'uri', description: 'A fresh link to the bytes.' },
    }),
    ...problems('BAD_USER_INPUT', 'NOT_FOUND'),
  },
};

const updating = {
  operationId: 'updateMedia',
  tags: ['Media'],
  summary: 'Change title, alternative text, tags or focus',
  params,
  body: { $ref: 'UpdateMediaInput#' },
  response: { 200: success('MediaAsset', 'The asset, changed.'), ...problems('BAD_USER_INPUT', 'NOT_FOUND') },
};

const deleting = {
  operationId: 'deleteMedia',
  tags: ['Media'],
  summary: 'Delete it',
  description:
    'Row and bytes. From the answer on it is gone for everybody, and its links are dead. An upload that is not complete is taken back.',
  params,
  response: {
    202: success('DeletedMedia', 'Deleted; the storage did not answer, so the bytes go later.'),
    204: nothing('Deleted.'),
    ...problems('BAD_USER_INPUT', 'NOT_FOUND'),
  },
};
