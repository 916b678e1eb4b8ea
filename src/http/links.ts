import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { SharedFile } from '../media/delivery.ts';
import type { MediaLibrary } from '../media/library.ts';
import { isFresh, mayServeRange } from './conditions.ts';
import { pathOf } from './log.ts';
import { forbidden, sendProblem } from './problem.ts';
import { readRange } from './ranges.ts';

/** Where the signed links live. */
const root = '/media/';

/** How long a redirect to the storage may be kept, in seconds: its target lives at least twice as long (storage/signed-urls.ts) or as long as the link. */
const redirectSeconds = 300;

/** The bytes behind signed links, `GET` and `HEAD /media/*`: no sign-in, whoever holds a link may see. */
export function linksDoor({ library }: { library: MediaLibrary }): FastifyPluginAsync {
  return async (scope) => {
    scope.route({
      method: ['GET', 'HEAD'],
      url: `${root}*`,
      config: { unlimited: true },
      handler: async (request, reply) => {
        markAsForeignMaterial(reply);
        // As it was signed: decoded, a changed path could pass for the signed one.
        const path = pathOf(request.url).slice(root.length);
        const file = await library.openLink(path, { ...signatureOf(request.query), accept: request.headers.accept });
        if (file === undefined)
          return sendProblem(forbidden('This link is not valid or no longer valid. Ask for a new one.', request.id), reply);
        if (file.variesByAccept) reply.header('vary', `${reply.getHeader('vary')}, Accept`);
        const target = await file.redirectTo(contentDisposition(file.filename));
        return target === undefined ? await serve(file, request, reply) : redirect(file, target, reply);
      },
    });
  };
}

/** RFC 6266: a name every client can read, and the real one. */
export function contentDisposition(filename: string): string {
  const ascii = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(filename).replace(/['()*!]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  return `inline; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** What somebody uploaded must be shown by other pages, but must not act as one of ours. */
function markAsForeignMaterial(reply: FastifyReply): void {
  reply.header('content-security-policy', "sandbox; default-src 'none'").header('cross-origin-resource-policy', 'cross-origin');
  // The CORS headers differ by origin; where CORS is off nobody else says so.
  const vary = String(reply.getHeader('vary') ?? '');
  if (!/\borigin\b/i.test(vary)) reply.header('vary', vary === '' ? 'Origin' : `${vary}, Origin`);
}

/** Each parameter once; a repeated one arrives as a list and is no signature. */
function signatureOf(query: unknown): { expires?: string; signature?: string } {
  const { expires, signature } = query as Record<string, unknown>;
  return { ...(typeof expires === 'string' && { expires }), ...(typeof signature === 'string' && { signature }) };
}

function redirect(file: SharedFile, target: string, reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', cacheControl(file, redirectSeconds)).redirect(target, 302);
}

/** `public`, so that a CDN in front may keep it too: the link itself is the permission. Never longer than the link lives. */
function cacheControl(file: SharedFile, mostSeconds: number): string {
  const seconds = Math.max(0, Math.floor((file.expiresAt.getTime() - Date.now()) / 1000));
  return `public, max-age=${Math.min(seconds, mostSeconds)}`;
}

async function serve(file: SharedFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  describe(file, reply);
  if (isFresh(request.headers, file)) return reply.code(304).send();
  reply.type(file.mimeType);
  if (request.method === 'HEAD') return reply.header('content-length', String(file.sizeBytes)).send();
  const range = mayServeRange(request.headers, file) ? readRange(request.headers.range, file.sizeBytes) : undefined;
  if (range === 'unsatisfiable') return refuseRange(file, request, reply);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.sizeBytes}`);
  reply.header('content-length', String(range === undefined ? file.sizeBytes : range.end - range.start + 1));
  return reply.send(await file.open(range, untilClosed(reply)));
}

function describe(file: SharedFile, reply: FastifyReply): void {
  reply
    .header('etag', file.etag)
    .header('last-modified', file.lastModified.toUTCString())
    .header('cache-control', `${cacheControl(file, Number.POSITIVE_INFINITY)}, immutable`)
    .header('accept-ranges', 'bytes')
    .header('content-disposition', contentDisposition(file.filename));
}

function refuseRange(file: SharedFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.removeHeader('content-disposition').header('content-range', `bytes */${file.sizeBytes}`);
  const detail = `The file has ${file.sizeBytes} bytes; the range asked for lies outside.`;
  return sendProblem({ type: 'about:blank', title: 'Range Not Satisfiable', status: 416, detail, requestId: request.id }, reply);
}

/** Ends the reading when the client leaves, also while the storage is still looking for the file. */
function untilClosed(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    // An abort makes an error with its stack, which costs as much as opening the file.
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
