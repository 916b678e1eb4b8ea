import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';

/** What the page's door needs. */
export interface PageDoorOptions {
  /** The token that the page offers for signing in, for development, to whoever asked under this `Host`; undefined: none. */
  readonly tokenFor: (host: string | undefined) => string | undefined;
  /** PUBLIC_URL: where links lead, and where bytes of direct uploads go. */
  readonly baseUrl: () => string;
  /** The bucket's origin, when the browser meets it; undefined: never. */
  readonly bucketOrigin: string | undefined;
  /** Where the built page lies. Default: dist/web of this package. */
  readonly folder?: string;
}

/**
 * The library page: `GET /`, its hashed files below `/assets/`, and `GET /page-config.json`. Everything it needs comes from here.
 * A page that was not built answers with a hint, so that the server also runs from its sources.
 */
export function pageDoor({ folder = builtPage(), ...options }: PageDoorOptions): FastifyPluginAsync {
  return async (scope) => {
    if (!existsSync(join(folder, 'index.html'))) {
      scope.get('/', { config: { unlimited: true } }, async (_request, reply) => sendHint(reply));
      return;
    }
    scope.get('/', { config: { unlimited: true } }, async (request, reply) => {
      // Read each time: a new build may lie there, and the files that an older page names are gone.
      const html = await readFile(join(folder, 'index.html'));
      const etag = `"${createHash('sha256').update(html).digest('base64url')}"`;
      // Always asked for again: its files' names change with every build.
      reply.header('cache-control', 'no-cache').header('etag', etag).header('content-security-policy', policy(options));
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type('text/html; charset=utf-8').send(html);
    });
    scope.get('/page-config.json', { config: { unlimited: true } }, async (request, reply) => {
      reply.header('cache-control', 'no-store');
      // With a token in it, this is for our own page: other ports of this machine may read our answers in development.
      const { host, 'sec-fetch-site': site } = request.headers;
      return { token: isForeign(site) ? null : (options.tokenFor(host) ?? null) };
    });
    await scope.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/assets/',
      index: false,
      decorateReply: false,
      immutable: true,
      maxAge: '1y',
    });
  };
}

/** `dist/web` beside the package.json that these sources, or what was compiled of them, belong to. */
function builtPage(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'dist', 'web');
}

function sendHint(reply: FastifyReply): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .type('text/plain; charset=utf-8')
    .send('The library page is not built: `npm run build:page` makes it, and `npm start` does so by itself.\n');
}

/** Scripts and styles are files of ours, pictures and films also those of links, and nothing goes anywhere else. */
function policy({ baseUrl, bucketOrigin }: Pick<PageDoorOptions, 'baseUrl' | 'bucketOrigin'>): string {
  const elsewhere = [URL.parse(baseUrl())?.origin, bucketOrigin].filter((origin) => origin !== undefined).join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: data: ${elsewhere}`,
    `media-src 'self' blob: data: ${elsewhere}`,
    `connect-src 'self' ${elsewhere}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

/** A Fetch Metadata header; a client that is no browser sends none. */
function isForeign(site: unknown): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
