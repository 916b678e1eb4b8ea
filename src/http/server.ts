import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { MediakeepError } from '../errors.ts';
import { brokenOff } from '../garbage.ts';
import type { Authenticate } from '../media/ports.ts';
import { type CorsOrigins, corsSettings } from './cors.ts';
import { type Checks, healthDoor } from './health.ts';
import { cutWhenSilent, cutWhenTrickling, type Pace } from './idle.ts';
import { pathOf } from './log.ts';
import { answerBrokenRequest, answerFailure } from './problem.ts';
import { limitRate, type RateLimiter } from './rate-limit.ts';
import { withUnreadBodyDrained } from './unread-body.ts';

export interface ServerOptions {
  /** A pino logger with {@link logSettings}; each request gets a child with its `reqId`. */
  readonly log: FastifyBaseLogger;
  readonly authenticate: Authenticate;
  readonly corsOrigins: CorsOrigins;
  /** 0 turns the limit off. */
  readonly rateLimitPerMinute: number;
  /** Counts for the limit. Default: in the memory of this process. */
  readonly rateLimiter?: RateLimiter | undefined;
  /** Whose `X-Forwarded-For` is believed: so many proxies in front of us, or those at these addresses. Default: nobody's. */
  readonly trustProxy?: number | readonly string[] | undefined;
  /** What `GET /readyz` asks. */
  readonly readiness: Checks;
  /** Tells browsers to come back by https only; right when PUBLIC_URL is https. */
  readonly strictTransport: boolean;
  readonly doors: readonly FastifyPluginAsync[];
  /** After so many seconds without a byte, when it is the client's turn, a connection is cut. Default 60. */
  readonly idleSeconds?: number;
  /** The slowest that a request's body may come in. Default: 16 KiB a minute, a tenth of what a GPRS line carries. */
  readonly slowest?: Pace;
}

export interface HttpServer {
  /** Begins to accept; port 0 takes a free one. Resolves with `http://HOST:PORT`. */
  listen(where: { host: string; port: number }): Promise<string>;
  /** Stops accepting, lets running requests end for at most `graceSeconds`, then cuts what is left. */
  close(patience: { graceSeconds: number }): Promise<void>;
}

/** The HTTP server around the doors: request ids, log, errors as `application/problem+json`, CORS, rate limit, probes, patience. */
export async function createServer(options: ServerOptions): Promise<HttpServer> {
  const server = bareServer(options);
  addHooks(server, options);
  if (options.corsOrigins !== 'none') await server.register(cors, corsSettings(options.corsOrigins));
  // After CORS, so that a page of another origin can read the refusal.
  if (options.rateLimitPerMinute > 0) server.addHook('onRequest', limitRate(options.rateLimitPerMinute, options));
  for (const door of [healthDoor(options.readiness), ...options.doors]) await server.register(door);
  await server.ready();
  return { listen: (where) => server.listen(where), close: ({ graceSeconds }) => close(server, graceSeconds) };
}

/** Fastify's notion of whom to believe: addresses, or a question about the `hop`-th proxy, counted from us. */
function trusted(proxies: ServerOptions['trustProxy']): false | string[] | ((address: string, hop: number) => boolean) {
  if (typeof proxies === 'number') return (_address, hop) => hop < proxies;
  return proxies === undefined ? false : [...proxies];
}

/** How long silence is tolerated, in seconds. */
const defaultIdleSeconds = 60;

const defaultPace: Pace = { bytes: 16 * 1024, seconds: 60 };

function idleMsOf({ idleSeconds = defaultIdleSeconds }: ServerOptions): number {
  return idleSeconds * 1000;
}

function bareServer(options: ServerOptions): FastifyInstance {
  const server = Fastify({
    loggerInstance: options.log,
    // Its two lines a request tell the query; observe() writes ours.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: trusted(options.trustProxy),
    // A request may take as long as it likes (5 GiB over a slow line take hours), its headers may not: Node allows them 60 seconds.
    requestTimeout: 0,
    connectionTimeout: idleMsOf(options),
    keepAliveTimeout,
    return503OnClosing: false,
    http: { maxHeaderSize },
    // An id that is too long is simply not there; it is compared, never matched by an expression.
    routerOptions: { maxParamLength: maxHeaderSize },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      observe(request, reply);
      answerFailure(error, request, reply);
    },
  });
  server.setErrorHandler(answerFailure);
  server.setNotFoundHandler((request, reply) => answerFailure(nothingHere(), request, reply));
  return server;
}

function addHooks(server: FastifyInstance, options: ServerOptions): void {
  const idleMs = idleMsOf(options);
  server.addHook('onRequest', (request, reply, done) => {
    observe(request, reply);
    cutWhenSilent(request, reply, idleMs);
    cutWhenTrickling(request, reply, options.slowest ?? defaultPace);
    done(refusalOfCoding(request));
  });
  server.addHook('onSend', (request, reply, payload, done) => {
    protect(reply, options.strictTransport);
    done(null, withUnreadBodyDrained(request, reply, payload));
  });
}

async function close(server: FastifyInstance, graceSeconds: number): Promise<void> {
  // A keep-alive socket whose last request ends while we wait would otherwise hold us until its own timeout.
  const idle = setInterval(() => server.server.closeIdleConnections(), 200);
  const end = setTimeout(() => server.server.closeAllConnections(), graceSeconds * 1000);
  try {
    await server.close();
  } finally {
    clearInterval(idle);
    clearTimeout(end);
  }
}

/** How long an unused keep-alive socket stays, in milliseconds: longer than the 60 seconds after which common load balancers let go of it. */
const keepAliveTimeout = 75_000;

/** Most bytes of all headers of a request: large tokens fit. */
const maxHeaderSize = 32 * 1024;

/** Gives the answer its request id, and the log its one line: when all is over, however it ended. */
function observe(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  const startedAt = performance.now();
  const { socket } = request.raw;
  const bytesBefore = socket.bytesRead;
  reply.raw.once('close', () => {
    if (!request.raw.complete) brokenOff(socket.bytesRead - bytesBefore);
    request.log.info(
      {
        method: request.method,
        path: pathOf(request.url),
        // 499 is nginx's number for a client that left before the answer.
        status: reply.raw.writableFinished ? reply.raw.statusCode : 499,
        ms: Math.round((performance.now() - startedAt) * 10) / 10,
      },
      'request',
    );
  });
}

/** Headers of every answer. A door that serves a page brings a Content-Security-Policy of its own. */
function protect(reply: FastifyReply, strictTransport: boolean): void {
  reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
  if (strictTransport) reply.header('strict-transport-security', 'max-age=31536000');
  const isJson = /json/.test(String(reply.getHeader('content-type') ?? ''));
  if (isJson && !reply.hasHeader('content-security-policy')) {
    reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  }
}

/** What is compressed would be taken for what it is not, and small bytes for few. */
function refusalOfCoding({ headers }: FastifyRequest): MediakeepError | undefined {
  const coding = headers['content-encoding'] ?? 'identity';
  if (/^identity$/i.test(coding)) return undefined;
  return new MediakeepError('BAD_USER_INPUT', 'Send the body as it is: `Content-Encoding` is not supported.');
}

function nothingHere(): MediakeepError {
  return new MediakeepError('NOT_FOUND', 'There is nothing at this address.');
}
