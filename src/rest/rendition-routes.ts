import type { FastifyPluginAsync } from 'fastify';
import { isImage, notFound } from '../media/media-asset.ts';
import { imageFits, imageFormats } from '../media/renditions.ts';
import { readRenditionQuery } from './input.ts';
import type { RestOptions } from './options.ts';
import { nothing, problems } from './schemas.ts';

/** `GET /media/{id}/rendition`: to the link of a picture made of an image. */
export function renditionRoutes({ library }: RestOptions): FastifyPluginAsync {
  return async (scope) => {
    scope.get('/media/:id/rendition', { schema: description }, async (request, reply) => {
      const query = readRenditionQuery(request.query);
      const { id } = request.params as { id: string };
      const asset = await library.get(request.getDecorator<string>('userId'), id);
      if (asset === undefined || !isImage(asset)) throw notFound();
      return reply.header('cache-control', 'private, no-cache').redirect(library.renditionOf(asset, query).url, 302);
    });
  };
}

const side = { type: 'integer', minimum: 1 };

const description = {
  operationId: 'getMediaRendition',
  tags: ['Media'],
  summary: 'Get a picture of an image in another size or format',
  description:
    'Redirects to a signed link, at which the picture is made when it is first fetched: upright, sRGB, without metadata, never enlarged. ' +
    'Without width and height: the size of the original.',
  params: {
    type: 'object',
    required: ['id'],
    properties: {
      id: { type: 'string', description: 'The id of the image.', examples: ['0198c0de-7a11-7bbb-8ccc-0123456789ab'] },
    },
  },
  querystring: {
    type: 'object',
    properties: {
      width: {
        ...side,
        description: 'Pixels, rounded up to 64, 128, 256, 384, 512, 640, 768, 1024, 1280, 1600, 1920, 2560 or 3840.',
      },
      height: { ...side, description: 'Pixels. Beside a width it sets the proportions, which stay when the width is rounded.' },
      fit: {
        type: 'string',
        enum: imageFits,
        default: 'INSIDE',
        description: 'Fit into the box, cover it and be cropped (around `focus`), or be padded to fill it.',
      },
      format: {
        type: 'string',
        enum: imageFormats,
        default: 'WEBP',
        description: '`AUTO`: the best that `Accept` names at the link.',
      },
    },
  },
  response: {
    302: nothing('The link is in `Location`.', {
      Location: { type: 'string', format: 'uri', description: 'A link to the picture, the same for 6 hours.' },
    }),
    ...problems('BAD_USER_INPUT', 'NOT_FOUND'),
  },
};
