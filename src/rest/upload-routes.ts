import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { uploadKey } from '../media/idempotency.ts';
import type { MediaLibrary } from '../media/library.ts';
import type { MediaAsset, MediaKind } from '../media/media-asset.ts';
import { assetBody, linkSeconds } from './asset.ts';
import { readForm } from './form.ts';
import type { RestOptions } from './options.ts';
import { problems, success, uploadForm } from './schemas.ts';

/** `POST /media/upload/image` and `/video`: one file a request, streamed from the socket to the library. */
export function uploadRoutes({ library, baseUrl }: RestOptions): FastifyPluginAsync {
  return async (scope) => {
    // Nothing is parsed ahead of the handler, which reads the form itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    for (const kind of ['IMAGE', 'VIDEO'] as const) {
      scope.post(`/media/upload/${kind.toLowerCase()}`, { schema: describe(kind) }, async (request, reply) => {
        const asset = await receive(library, kind, request);
        const location = `${baseUrl()}/api/v1/media/${asset.id}`;
        return reply
          .code(201)
          .header('location', location)
          .send(assetBody(asset, library.linkTo(asset, linkSeconds)));
      });
    }
  };
}

async function receive(library: MediaLibrary, kind: MediaKind, request: FastifyRequest): Promise<MediaAsset> {
  const idempotencyKey = uploadKey(request.headers['idempotency-key']);
  const form = await readForm(request.raw);
  try {
    const { title, altText, tags } = form.fields;
    const upload = { kind, filename: form.filename, source: form.file, title, altText, tags, idempotencyKey };
    return await library.upload(request.getDecorator<string>('userId'), upload);
  } finally {
    // Before the answer, whose sender reads and forgets the rest of the body.
    form.close();
  }
}

function describe(kind: MediaKind): Record<string, unknown> {
  const noun = kind === 'IMAGE' ? 'image' : 'video';
  return {
    operationId: kind === 'IMAGE' ? 'uploadImage' : 'uploadVideo',
    tags: ['Media'],
    summary: `Upload ${noun === 'image' ? 'an image' : 'a video'}`,
    description:
      'One file, streamed. Parts that describe it come before it; parts of other names are ignored, and so is what follows the file. ' +
      'Once the file has arrived whole, the upload completes even if the client goes away.',
    headers: {
      type: 'object',
      properties: {
        'Idempotency-Key': {
          type: 'string',
          minLength: 1,
          maxLength: 255,
          description:
            'Your name for this upload, such as a UUID: sent again with the same bytes within 24 hours, it gets the asset that the first one made.',
        },
      },
    },
    consumes: ['multipart/form-data'],
    body: uploadForm(kind),
    response: {
      201: success(kind === 'IMAGE' ? 'ImageAsset' : 'VideoAsset', `The ${noun}, stored.`, {
        Location: { type: 'string', format: 'uri', description: 'Where the asset is.' },
      }),
      ...problems(
        'BAD_USER_INPUT',
        'FILE_TOO_LARGE',
        'QUOTA_EXCEEDED',
        'UNSUPPORTED_MEDIA_TYPE',
        'INVALID_MEDIA',
        'IDEMPOTENCY_CONFLICT',
        'OVERLOADED',
      ),
    },
  };
}
