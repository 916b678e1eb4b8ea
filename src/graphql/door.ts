import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { describeError, isOurFault, MediakeepError } from '../errors.ts';
import { uploadKey } from '../media/idempotency.ts';
import type { MediaLibrary } from '../media/library.ts';
import type { Authenticate, Log } from '../media/ports.ts';
import type { GraphqlContext } from './context.ts';
import { failureBody, failureHeaders, failureReports, formatFailure } from './failures.ts';
import { isForm, preflightHeaders, refuseBadHost, refuseCrossSite, wantsPage } from './gate.ts';
import { boundedQuery, filesUsedOnce, offeredKinds, queryLimits } from './limits.ts';
import { readForm } from './multipart.ts';
import { playgroundAssets, playgroundPage, sendPlayground } from './playground.ts';
import { graphqlSchema } from './schema.ts';
import type { UploadForm } from './upload-form.ts';

/** What the GraphQL door needs. */
export interface GraphqlDoorOptions {
  readonly library: MediaLibrary;
  readonly authenticate: Authenticate;
  readonly log: Log;
  /** Whether pages of this origin may send to us; by default none. */
  readonly allowsOrigin?: (origin: string) => boolean;
  /** The token that the playground sends along, for development, for whoever asked under this `Host`; undefined: none. */
  readonly tokenFor: (host: string | undefined) => string | undefined;
  /** Most files of one request; 20 by default. */
  readonly maxFilesPerRequest?: number;
}

/** Most bytes of a JSON body, and of `operations` and `map` in a form: 256 KiB, a hundred times what our operations need. */
const maxOperationBytes = 262_144;

const defaultMaxFiles = 20;

/**
 * A Fastify plugin that serves GraphQL on `/graphql`: POST of JSON or of a form with files, GET of queries, and the playground for browsers.
 * What goes wrong before GraphQL begins is answered in GraphQL's shape as well.
 */
export function graphqlDoor(options: GraphqlDoorOptions): FastifyPluginAsync {
  return async (server) => {
    const apollo = apolloServer(options.log);
    await apollo.start();
    server.addHook('onClose', () => apollo.stop());
    server.register(playgroundAssets);
    server.register(async (scope) => serveGraphql(scope, apollo, options));
  };
}

function apolloServer(log: Log): ApolloServer<GraphqlContext> {
  return new ApolloServer<GraphqlContext>({
    schema: graphqlSchema(),
    // Also in production: the schema is a public contract, and the code that enforces it does not hide behind ignorance.
    introspection: true,
    includeStacktraceInErrorResponses: false,
    // Apollo Server would take over SIGTERM and kill the process in the middle of our shutdown.
    stopOnTerminationSignals: false,
    csrfPrevention: { requestHeaders: preflightHeaders },
    parseOptions: { maxTokens: queryLimits.tokens },
    validationRules: [offeredKinds, boundedQuery, filesUsedOnce],
    formatError: formatFailure,
    plugins: [
      failureReports(log),
      // Its cache hints, which we have none of, would cost a call for every field of every answer.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

function serveGraphql(scope: FastifyInstance, apollo: ApolloServer<GraphqlContext>, options: GraphqlDoorOptions): void {
  const { library, authenticate } = options;
  const limits = { maxFiles: options.maxFilesPerRequest ?? defaultMaxFiles, maxFieldBytes: maxOperationBytes };
  scope.decorateRequest('uploadForm', undefined);
  scope.setErrorHandler(answerRefusal);
  scope.addHook('onRequest', async (request, reply) => {
    if (wantsPage(request)) return sendPlayground(reply, playgroundPage({ token: options.tokenFor(request.headers.host) }));
    // Whose answer it is stands in a header that caches do not look at.
    reply.header('cache-control', 'no-store');
    refuseBadHost(request);
    refuseCrossSite(request);
    // Before a byte of the body is read; other requests may be introspection, which is open to everybody.
    if (isForm(request)) await authenticate(request.headers.authorization);
  });
  scope.addContentTypeParser('multipart/form-data', (_request, _body, done) => done(null));
  scope.addHook('preValidation', async (request, reply) => {
    if (!isForm(request)) return;
    // The body of a form is its operation; the files come while it runs.
    const { operation, form } = await readForm(request.raw, reply.raw, limits);
    request.body = operation;
    request.setDecorator('uploadForm', form);
  });
  const context = async (request: FastifyRequest): Promise<GraphqlContext> => ({
    library,
    userId: () => authenticate(request.headers.authorization),
    form: request.getDecorator<UploadForm | undefined>('uploadForm'),
    nextUploadKey: countedKeys(request.headers['idempotency-key']),
    origin: allowedOrigin(request, options.allowsOrigin),
    requestId: request.id,
  });
  scope.route<{ Reply: string }>({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    bodyLimit: maxOperationBytes,
    handler: fastifyApolloHandler(apollo, { context }),
  });
}

function allowedOrigin({ headers }: FastifyRequest, allows: GraphqlDoorOptions['allowsOrigin']): string | undefined {
  return headers.origin !== undefined && allows?.(headers.origin) === true ? headers.origin : undefined;
}

function countedKeys(header: unknown): () => string | undefined {
  let uploads = 0;
  return () => uploadKey(header, uploads++);
}

const graphqlType = 'application/graphql-response+json';

/** Answers refusals in GraphQL's shape; what is our fault, or the framework's word, is the server's to log and to answer. */
function answerRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const description = describeError(error);
  if (!(error instanceof MediakeepError) || isOurFault(description)) throw error;
  // Clients such as Apollo's read an answer that is not 200 as GraphQL only when its type says so (GraphQL over HTTP, 6.4).
  const type = request.headers.accept?.includes(graphqlType) ? graphqlType : 'application/json';
  return reply
    .code(description.status)
    .headers(failureHeaders(description))
    .type(`${type}; charset=utf-8`)
    .send(JSON.stringify(failureBody(description)));
}
