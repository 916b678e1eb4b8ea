import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { sharedSchemas } from './schemas.ts';

/**
 * Serves the OpenAPI document and a page to try it, drawn from the schemas of the routes that are registered on `scope` afterwards.
 * The page loads nothing from elsewhere.
 */
export async function documentRoutes(scope: FastifyInstance): Promise<void> {
  for (const schema of sharedSchemas) scope.addSchema(schema);
  await scope.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Mediakeep', version: '1.0.0', description },
      servers: [{ url: '/' }],
      tags: [{ name: 'Media', description: 'Images and videos of the signed-in user; those of others do not exist.' }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: '`sub` is the user, `exp` is required.' },
        },
      },
      security: [{ bearer: [] }],
    },
    transformObject: withRepeatedTags,
    // Otherwise the components would be called def-0, def-1 and so on.
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`) },
  });
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    // It does not know by itself where its scope is mounted.
    indexPrefix: scope.prefix,
    staticCSP: pagePolicy,
    theme: { title: 'Mediakeep REST API' },
    uiConfig: { persistAuthorization: true, displayOperationId: true, tryItOutEnabled: true },
  });
  scope.get('/openapi.json', { schema: { hide: true } }, async () => scope.swagger());
}

/** Says that a form has one part for each tag; without it, the page joins them by commas. */
const withRepeatedTags: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject;
  for (const path of Object.values(document.openapiObject.paths ?? {})) {
    const body = path?.post?.requestBody;
    const form = body !== undefined && 'content' in body ? body.content['multipart/form-data'] : undefined;
    if (form !== undefined) form.encoding = { tags: { style: 'form', explode: true } };
  }
  return document.openapiObject;
};

const description = [
  'Keeps what the users of an app upload: images and videos. These are aliases of the GraphQL operations at `/graphql`.',
  'Errors are `application/problem+json` with a `code`; every answer has an `X-Request-Id`.',
].join('\n\n');

/** Everything from this server; the page's own styles are set inline by its scripts, its icons are data URLs. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
