import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { DirectUpload } from '../media/direct-uploads.ts';
import { assetBody, linkSeconds } from './asset.ts';
import { letBodiesBeEmpty } from './bodies.ts';
import { readAnnouncement } from './input.ts';
import type { RestOptions } from './options.ts';
import { problems, success } from './schemas.ts';

/** `POST /media/uploads` and `POST /media/uploads/{id}/complete`: uploads whose bytes the client sends by itself. */
export function directRoutes({ library, baseUrl, allowsOrigin }: RestOptions): FastifyPluginAsync {
  return async (scope) => {
    letBodiesBeEmpty(scope);
    scope.post('/media/uploads', { schema: creating }, async (request, reply) => {
      const announcement = readAnnouncement(request.body);
      const { origin } = request.headers;
      const mayAsk = origin !== undefined && allowsOrigin?.(origin) === true;
      const upload = await library.createUpload(userOf(request), { ...announcement, ...(mayAsk && { origin }) });
      return reply
        .code(201)
        .header('location', `${baseUrl()}/api/v1/media/${upload.id}`)
        .header('cache-control', 'no-store')
        .send(bodyOf(upload));
    });
    scope.post('/media/uploads/:id/complete', { schema: completing }, async (request, reply) => {
      const { id } = request.params as { id: string };
      const asset = await library.completeUpload(userOf(request), id);
      return reply.send(assetBody(asset, library.linkTo(asset, linkSeconds)));
    });
  };
}

function userOf(request: FastifyRequest): string {
  return request.getDecorator<string>('userId');
}

function bodyOf({ expiresAt, ...upload }: DirectUpload): Record<string, unknown> {
  return { ...upload, expiresAt: expiresAt.toISOString() };
}

const creating = {
  operationId: 'createUpload',
  tags: ['Media'],
  summary: 'Begin an upload of any size, to be sent in pieces',
  description:
    'Answers a resumable session in the protocol of Google Cloud Storage, on the bucket or on this server. Send the bytes to its `url` in one PUT, or in chunks with ' +
    '`Content-Range: bytes FIRST-LAST/SIZE` (multiples of 262144 bytes, but for the last). 308 with `Range` tells what is held, 200 that all is. After a break, PUT nothing with ' +
    '`Content-Range: bytes */SIZE` to ask, and send the rest. Then complete it. `DELETE /media/{id}` takes it back.',
  body: { $ref: 'CreateUploadInput#' },
  response: {
    201: success('DirectUpload', 'The session.', {
      Location: { type: 'string', format: 'uri', description: 'Where the asset will be.' },
    }),
    ...problems('BAD_USER_INPUT', 'UNSUPPORTED_MEDIA_TYPE', 'INVALID_MEDIA', 'FILE_TOO_LARGE', 'QUOTA_EXCEEDED', 'OVERLOADED'),
  },
};

const completing = {
  operationId: 'completeUpload',
  tags: ['Media'],
  summary: 'Make the asset of an upload whose bytes have all been sent',
  description:
    'Proves them as those of any upload. It can be called again. What can be mended leaves everything for another try; a file that is refused is gone.',
  params: {
    type: 'object',
    required: ['id'],
    properties: {
      id: { type: 'string', description: 'The id of the upload.', examples: ['0198c0de-7a11-7bbb-8ccc-0123456789ab'] },
    },
  },
  response: {
    200: success('MediaAsset', 'The asset.'),
    ...problems('NOT_FOUND', 'UPLOAD_INCOMPLETE', 'UNSUPPORTED_MEDIA_TYPE', 'INVALID_MEDIA', 'FILE_TOO_LARGE', 'OVERLOADED'),
  },
};
