import { createHash } from 'node:crypto';
import fastifyStatic from '@fastify/static';
import { getDistDirectory, isSandboxFrame, renderAltair, SANDBOX_FRAME_CSP } from 'altair-static';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';

/** The playground's page, with the header that lets it run. */
export interface PlaygroundPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/**
 * The page of Altair, a GraphQL client that can send files. All it needs comes from this process.
 * `token` is sent as `Authorization: Bearer ...` with every request; undefined: the user types one.
 */
export function playgroundPage({ token }: { token: string | undefined }): PlaygroundPage {
  const html = renderAltair({
    baseURL: assetsPath,
    endpointURL: '/graphql',
    initialName: 'Mediakeep',
    initialQuery: welcomeQuery,
    initialVariables: JSON.stringify({ title: 'My first picture' }, undefined, 2),
    initialHeaders: { 'apollo-require-preflight': 'true', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    persistedSettings: { 'banners.disable': true, 'alert.disableUpdateNotification': true },
    disableAccount: true,
    // A remembered window would keep sending the token of an earlier start.
    preserveState: false,
  });
  return { html, contentSecurityPolicy: contentSecurityPolicy(html) };
}

/** Answers with the page. */
export function sendPlayground(reply: FastifyReply, page: PlaygroundPage): FastifyReply {
  return reply
    .header('content-security-policy', page.contentSecurityPolicy)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page.html);
}

/** A Fastify plugin that serves the page's scripts and pictures out of node_modules. */
export const playgroundAssets: FastifyPluginAsync = async (server) => {
  await server.register(fastifyStatic, {
    root: getDistDirectory(),
    prefix: assetsPath,
    index: false,
    decorateReply: false,
    maxAge: '1h',
    setHeaders: (reply, file) => {
      if (isSandboxFrame(file)) reply.header('content-security-policy', SANDBOX_FRAME_CSP);
    },
  });
};

const assetsPath = '/graphql/playground/';

/**
 * Scripts: ours, and the one in the page by its hash. Styles are written by its editor as it runs. `connect-src 'self'` is what keeps every
 * request, and so the token, on this server.
 */
function contentSecurityPolicy(html: string): string {
  const inline = [...html.matchAll(/<script[^>]*>([^<]+)<\/script>/g)].map(([, script = '']) => {
    return `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
  });
  return [
    "default-src 'none'",
    `script-src 'self' ${inline.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "frame-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const welcomeQuery = `# Mediakeep: upload, list, change and delete images and videos.
# Docs, in the upper right, describes every field, argument and error.
#
# To upload a file: open VARIABLES below, press "Add files" and select one; its
# variable is called file. Then press the button above UploadImage.

mutation UploadImage($file: Upload!, $title: String) {
  uploadImage(file: $file, title: $title, tags: ["playground"]) {
    id
    filename
    mimeType
    size
    width
    height
    url
  }
}

mutation UploadVideo($file: Upload!) {
  uploadVideo(file: $file) {
    id
    duration
    videoCodec
    width
    height
    url(expiresIn: 86400)
  }
}

query MyMedia {
  myMedia(first: 10) {
    totalCount
    edges {
      node {
        id
        kind
        title
        tags
        url
        ... on VideoAsset {
          duration
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;
