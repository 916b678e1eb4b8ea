import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { assetRoutes } from './asset-routes.ts';
import { directRoutes } from './direct-routes.ts';
import { documentRoutes } from './document.ts';
import { listRoutes } from './list-routes.ts';
import type { RestOptions } from './options.ts';
import { renditionRoutes } from './rendition-routes.ts';
import { uploadRoutes } from './upload-routes.ts';

/** The REST door: aliases of the library's operations below /api/v1, with their OpenAPI document. Failures are thrown to the server's error handler. */
export function restDoor(options: RestOptions): FastifyPluginAsync {
  return async (server) => {
    await server.register(
      async (scope) => {
        describeOnly(scope);
        await documentRoutes(scope);
        await scope.register(mediaRoutes(options));
      },
      { prefix: '/api/v1' },
    );
  };
}

/**
 * Schemas here document: requests are checked by input.ts, which answers in sentences, and answers are built field by field by asset.ts. A compiled
 * serializer would have to find out for each asset which member of the union it is, which costs more than JSON.stringify altogether.
 */
function describeOnly(scope: FastifyInstance): void {
  scope.setValidatorCompiler(() => () => true);
  scope.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

/** Everything that needs a user, who is known before a byte of the body is touched. */
function mediaRoutes(options: RestOptions): FastifyPluginAsync {
  return async (scope) => {
    scope.decorateRequest('userId', '');
    scope.addHook('onRequest', async (request) => {
      request.setDecorator('userId', await options.authenticate(request.headers.authorization));
    });
    await scope.register(uploadRoutes(options));
    await scope.register(directRoutes(options));
    await scope.register(listRoutes(options));
    await scope.register(assetRoutes(options));
    await scope.register(renditionRoutes(options));
  };
}
