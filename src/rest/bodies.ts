import type { FastifyInstance } from 'fastify';

/** Many clients announce JSON with every request, one without a body among them. */
export function letBodiesBeEmpty(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, body as string, done);
  });
}
